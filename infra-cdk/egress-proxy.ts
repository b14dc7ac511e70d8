import { readFileSync } from "node:fs";
import { Duration, Stack } from "aws-cdk-lib";
import { Alarm, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { Ec2Action, Ec2InstanceAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  CfnRoute,
  CpuCredits,
  EbsDeviceVolumeType,
  HttpTokens,
  Instance,
  InstanceType,
  type ISubnet,
  type IVpc,
  MachineImage,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  UserData,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { egressAllowList } from "./egress-allow-list.ts";
import { haproxyConfiguration, notOnTheInternet, redirection } from "./egress-proxy-configuration.ts";

/** Amazon's DNS, at the address that it has in every VPC. */
const nameserver = "169.254.169.253:53";
const listenPort = 8_443;
/** In GiB: no less than the snapshot that Amazon Linux comes in. */
const diskSize = 8;

const fileOf = (name: string) => readFileSync(new URL(`egress-proxy/${name}`, import.meta.url), "utf8");

interface Between {
  readonly configuration: Configuration;
  readonly vpc: IVpc;
  /** Whose https it takes. */
  readonly runners: SecurityGroup;
  /** The runners', whose way out leads to it. */
  readonly subnets: readonly ISubnet[];
}

/**
 * The only way out of the runners' subnets: one small machine, to which their https comes whatever address it is for. It
 * reads the name in the first message, looks up the name itself, and passes on what is for an allowed one. It forwards
 * nothing else (docs/decisions/0009-egress-by-name.md).
 *
 * Another list, or another Amazon Linux at a deploy, is another machine; the routes change once it has said that it is up.
 */
export class EgressProxy extends Construct {
  constructor(scope: Construct, id: string, { configuration, vpc, runners, subnets }: Between) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: "Egress proxy: https in from runners, https out",
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(runners, Port.tcp(443), "https of runners, whatever address it is for");
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "https");
    const instance = new Instance(this, "Instance", {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      securityGroup,
      associatePublicIpAddress: true,
      sourceDestCheck: false,
      instanceType: new InstanceType("t4g.nano"),
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      // Slow after hours of load, instead of paid for by the hour.
      creditSpecification: CpuCredits.STANDARD,
      httpTokens: HttpTokens.REQUIRED,
      blockDevices: [{ deviceName: "/dev/xvda", volume: disk() }],
      userData: UserData.forLinux({ shebang: "#!/bin/bash -eu" }),
      userDataCausesReplacement: true,
      resourceSignalTimeout: Duration.minutes(10),
    });
    const { account, region } = Stack.of(this);
    instance.addUserData(...firstBoot(egressAllowList({ configuration, account, region })));
    instance.userData.addSignalOnExitCommand(instance);
    for (const [index, { routeTable }] of subnets.entries())
      new CfnRoute(this, `WayOut${index + 1}`, {
        routeTableId: routeTable.routeTableId,
        destinationCidrBlock: "0.0.0.0/0",
        instanceId: instance.instanceId,
      });
    this.rebootWhenStuck(instance);
  }

  /** EC2 itself moves the machine to another host when its own fails, as it does with each of this kind. */
  private rebootWhenStuck({ instanceId }: Instance): void {
    const alarm = new Alarm(this, "Stuck", {
      alarmDescription: "The egress proxy does not answer, so that runners cannot get out: EC2 reboots it.",
      metric: new Metric({
        namespace: "AWS/EC2",
        metricName: "StatusCheckFailed_Instance",
        dimensionsMap: { InstanceId: instanceId },
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(1),
      }),
      threshold: 1,
      evaluationPeriods: 3,
    });
    alarm.addAlarmAction(new Ec2Action(Ec2InstanceAction.REBOOT));
  }
}

function disk(): BlockDeviceVolume {
  return BlockDeviceVolume.ebs(diskSize, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 });
}

/** Its files, and then what is done with them. */
function firstBoot(hosts: readonly string[]): string[] {
  const haproxy = haproxyConfiguration({
    listen: `:${listenPort}`,
    nameserver,
    hosts,
    forbiddenAddresses: notOnTheInternet,
    upstreamPort: 443,
  });
  const files = {
    "haproxy.cfg": haproxy,
    "redirection.nft": redirection(listenPort),
    "egress-proxy.service": fileOf("egress-proxy.service"),
  };
  return [
    "mkdir /etc/egress-proxy",
    ...Object.entries(files).map(
      ([name, text]) => `cat >/etc/egress-proxy/${name} <<'END OF FILE'\n${text}END OF FILE`,
    ),
    fileOf("boot.sh"),
  ];
}
