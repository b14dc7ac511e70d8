import {
  FlowLogDestination,
  FlowLogTrafficType,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { EgressProxy } from "./egress-proxy.ts";
import { addGatewayEndpoints } from "./gateway-endpoints.ts";
import { serviceLogs } from "./service-logs.ts";
import type { Storage } from "./storage.ts";

const open = { name: "Public", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false };
const subnets = {
  public: [open],
  nat: [open, { name: "Private", subnetType: SubnetType.PRIVATE_WITH_EGRESS }],
  proxy: [open, { name: "Private", subnetType: SubnetType.PRIVATE_ISOLATED }],
} as const satisfies Record<Configuration["network"], object>;

/**
 * Where runners live. Nobody reaches them from outside; they get out over https. Not over ssh, since a runner has no ssh
 * key: its token is for https. (Amazon's DNS, and where a task gets its credentials, need no rule.) Where to, is anywhere,
 * or through the proxy only to the hosts of a list.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly securityGroup: SecurityGroup;
  readonly subnetIds: readonly string[];
  readonly assignsPublicIp: boolean;
  readonly egressProxy: EgressProxy | undefined;

  constructor(scope: Construct, id: string, configuration: Configuration, { table }: Storage) {
    super(scope, id);
    const { network, emulator } = configuration;
    this.assignsPublicIp = network === "public";
    const vpc = new Vpc(this, "Vpc", {
      maxAzs: 2,
      natGateways: network === "nat" ? 1 : 0,
      subnetConfiguration: [...subnets[network]],
      restrictDefaultSecurityGroup: false,
    });
    const runners = vpc.selectSubnets({ subnetGroupName: this.assignsPublicIp ? "Public" : "Private" });
    this.subnetIds = runners.subnetIds;
    addGatewayEndpoints(vpc, { subnets: runners.subnets, onlyTo: network === "proxy" ? table : undefined });
    // Its optional properties are declared more loosely than the interface's.
    this.vpc = vpc as IVpc;
    // MiniStack rolls a stack back that has a flow log.
    if (!emulator) {
      const logs = FlowLogDestination.toCloudWatchLogs(serviceLogs(this, "RefusedTraffic", configuration));
      this.vpc.addFlowLog("FlowLog", { destination: logs, trafficType: FlowLogTrafficType.REJECT });
    }
    this.securityGroup = new SecurityGroup(this, "Runners", {
      vpc: this.vpc,
      description: "Runners: nothing in, https out",
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "https");
    if (network !== "proxy") return;
    const between = { configuration, vpc: this.vpc, runners: this.securityGroup, subnets: runners.subnets };
    this.egressProxy = new EgressProxy(this, "EgressProxy", between);
  }
}
