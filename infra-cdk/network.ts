import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { serviceLogs } from "./service-logs.ts";

/**
 * Where runners live. Nobody reaches them from outside; they get out over https. Not over ssh, since a runner has no ssh
 * key: its token is for https. (Amazon's DNS, and where a task gets its credentials, need no rule.)
 *
 * There is no variant with a filtering proxy: neither the SDK nor the image's pull would use one, so that it takes private
 * endpoints of five services, some $70 a month.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly securityGroup: SecurityGroup;
  readonly subnetIds: readonly string[];
  readonly assignsPublicIp: boolean;

  constructor(scope: Construct, id: string, { network, emulator }: Configuration) {
    super(scope, id);
    this.assignsPublicIp = network === "public";
    const open = { name: "Public", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false };
    const behindNat = { name: "Private", subnetType: SubnetType.PRIVATE_WITH_EGRESS };
    const vpc = new Vpc(this, "Vpc", {
      maxAzs: 2,
      natGateways: network === "nat" ? 1 : 0,
      subnetConfiguration: network === "nat" ? [open, behindNat] : [open],
      restrictDefaultSecurityGroup: false,
      // They cost nothing, and a NAT gateway asks money for each gigabyte.
      gatewayEndpoints: {
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
    });
    // Its optional properties are declared more loosely than the interface's.
    this.vpc = vpc as IVpc;
    // MiniStack rolls a stack back that has a flow log.
    if (!emulator) {
      const logs = FlowLogDestination.toCloudWatchLogs(serviceLogs(this, "RefusedTraffic"));
      this.vpc.addFlowLog("FlowLog", { destination: logs, trafficType: FlowLogTrafficType.REJECT });
    }
    this.securityGroup = new SecurityGroup(this, "Runners", {
      vpc: this.vpc,
      description: "Runners: nothing in, https out",
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "https");
    this.subnetIds = (this.assignsPublicIp ? this.vpc.publicSubnets : this.vpc.privateSubnets).map(
      ({ subnetId }) => subnetId,
    );
  }
}
