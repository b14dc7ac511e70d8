import * as z from "zod";
import { liveShards } from "../../core/limits.ts";
import { runnerHours } from "./job-cost.ts";
import { freeEachMonth, hoursOfMonth, prices } from "./prices.ts";
import { type CostLine, line, memoryOf, resourcesOf, type Template } from "./template.ts";

/** One run of reconcile with nothing to do: so many listings of the live index, each a query of half a unit a shard. */
const listingsOfRun = 6;
const runSeconds = 0.5;
/** What Lambda and the function write of it. */
const runLogBytes = 1_000;
/** Written by each run, busy or not. */
const metricsOfRun = 2;
const imageGigabytes = 0.6;

type Price = (template: Template, type: string) => CostLine[];

const nothing: Price = () => [];

/** Of a thing that costs the same each month as long as it is there. */
function each(what: string, dollars: number): Price {
  return (template, type) => {
    const { length } = resourcesOf(template, type, z.unknown());
    return [line(what, String(length), length * dollars)];
  };
}

/** What each type of resource costs while there are no jobs. One that is not here is an error: nothing is free unseen. */
const idlePrices: Readonly<Record<string, Price>> = {
  "AWS::CloudWatch::Alarm": alarms,
  "AWS::CloudWatch::Dashboard": dashboards,
  "AWS::Events::Rule": schedules,
  "AWS::ECS::TaskDefinition": (template, type) => [...images(template, type), ...warmRunners(template)],
  "AWS::EC2::VPCEndpoint": endpoints,
  "AWS::EC2::NatGateway": each("NAT gateways", prices.natGatewayHour * hoursOfMonth),
  "AWS::EC2::EIP": each("public addresses", prices.publicAddressHour * hoursOfMonth),
  "AWS::EC2::Instance": machines,
  "AWS::KMS::Key": each("keys", prices.keyMonth),
  "AWS::SecretsManager::Secret": each("secrets", prices.secretMonth),
  ...Object.fromEntries(
    [
      ...[
        "Account",
        "Authorizer",
        "Deployment",
        "GatewayResponse",
        "Method",
        "Model",
        "RequestValidator",
        "Resource",
      ].map((name) => `AWS::ApiGateway::${name}`),
      ...["AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage"],
      ...["FlowLog", "InternetGateway", "Route", "RouteTable", "SecurityGroup", "Subnet", "VPC"].map(
        (name) => `AWS::EC2::${name}`,
      ),
      ...["AWS::EC2::SecurityGroupIngress", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPCGatewayAttachment"],
      // By use, in the other table.
      ...["AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::Logs::LogGroup"],
      ...["AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::ECS::Cluster"],
      ...[
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
      ],
      ...["AWS::SQS::QueuePolicy", "AWS::XRay::SamplingRule"],
    ].map((type) => [type, nothing]),
  ),
};

/** What the deployment costs in a month without jobs. Throws for a type of resource whose price is not known here. */
export function idleCost(template: Template): CostLine[] {
  const types = new Set(Object.values(template.Resources).map(({ Type }) => Type));
  return [...types].flatMap((type) => {
    const price = idlePrices[type];
    if (price === undefined) throw new Error(`Say in infra-cdk/cost/idle-cost.ts what ${type} costs.`);
    return price(template, type);
  });
}

/** Paid for each metric that an alarm looks at. */
function alarms(template: Template, type: string): CostLine[] {
  const Alarm = z.object({ Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional() });
  const metrics = resourcesOf(template, type, Alarm)
    .map(({ properties }) => properties.Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1)
    .reduce((sum, count) => sum + count, 0);
  const price = prices.alarmMetricMonth;
  return [line("alarms", `${metrics} metrics`, metrics * price, beyond(metrics, freeEachMonth.alarmMetrics) * price)];
}

function dashboards(template: Template, type: string): CostLine[] {
  const { length } = resourcesOf(template, type, z.unknown());
  const price = prices.dashboardMonth;
  return [line("dashboards", String(length), length * price, beyond(length, freeEachMonth.dashboards) * price)];
}

/** Runs of reconcile, by the schedule. */
function schedules(template: Template, type: string): CostLine[] {
  const Target = z.object({ Arn: z.object({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) }) });
  const Rule = z.object({ ScheduleExpression: z.string().optional(), Targets: z.array(Target) });
  return resourcesOf(template, type, Rule).flatMap(({ properties }) => {
    if (properties.ScheduleExpression === undefined) return [];
    const runs = runsOfMonth(properties.ScheduleExpression);
    return properties.Targets.flatMap(({ Arn }) => costOfRuns(runs, memoryOf(template, Arn["Fn::GetAtt"][0])));
  });
}

function runsOfMonth(expression: string): number {
  const [, minutes] = /^rate\((\d+) minutes?\)$/.exec(expression) ?? [];
  if (minutes === undefined) throw new Error(`Say in infra-cdk/cost/idle-cost.ts how often ${expression} is.`);
  return (hoursOfMonth * 60) / Number(minutes);
}

function costOfRuns(runs: number, memoryGigabytes: number): CostLine[] {
  const gigabyteSeconds = runs * runSeconds * memoryGigabytes;
  const work = (requests: number, time: number) =>
    requests * prices.lambdaRequest + time * prices.lambdaArmGigabyteSecond;
  const readUnits = runs * listingsOfRun * liveShards * 0.5;
  const logGigabytes = (runs * runLogBytes) / 1e9;
  return [
    line(
      "reconcile: function",
      `${runs} runs, ${Math.round(gigabyteSeconds)} GB-s`,
      work(runs, gigabyteSeconds),
      work(beyond(runs, freeEachMonth.lambdaRequests), beyond(gigabyteSeconds, freeEachMonth.lambdaGigabyteSeconds)),
    ),
    line("reconcile: reads", `${Math.round(readUnits)} units`, readUnits * prices.readUnit),
    line(
      "reconcile: log",
      `${logGigabytes.toFixed(3)} GB`,
      logGigabytes * prices.logGigabyte,
      beyond(logGigabytes, freeEachMonth.logGigabytes) * prices.logGigabyte,
    ),
    line(
      "reconcile: metrics",
      String(metricsOfRun),
      metricsOfRun * prices.metricMonth,
      beyond(metricsOfRun, freeEachMonth.metrics) * prices.metricMonth,
    ),
  ];
}

/** They run all the time; the functions are told how many. */
function warmRunners(template: Template): CostLine[] {
  const Variables = z.object({ WARM_RUNNERS: z.coerce.number().default(0) });
  const Told = z.object({ Environment: z.object({ Variables }).default({ Variables: { WARM_RUNNERS: 0 } }) });
  const functions = resourcesOf(template, "AWS::Lambda::Function", Told);
  const count = Math.max(0, ...functions.map(({ properties }) => properties.Environment.Variables.WARM_RUNNERS));
  if (count === 0) return [];
  return runnerHours(template, count * hoursOfMonth).map((cost) => ({ ...cost, what: `warm runners: ${cost.what}` }));
}

/** An image that is built lies in the account's own registry. */
function images(template: Template, type: string): CostLine[] {
  const isOurs = JSON.stringify(resourcesOf(template, type, z.unknown())).includes(".dkr.ecr.");
  return isOurs ? [line("image", `${imageGigabytes} GB`, imageGigabytes * prices.imageGigabyteMonth)] : [];
}

/** With their addresses and disks. */
function machines(template: Template, type: string): CostLine[] {
  const Machine = z.object({
    InstanceType: z.enum(["t4g.nano"]),
    NetworkInterfaces: z.array(z.object({ AssociatePublicIpAddress: z.boolean() })),
    BlockDeviceMappings: z.array(z.object({ Ebs: z.object({ VolumeSize: z.number(), VolumeType: z.literal("gp3") }) })),
  });
  return resourcesOf(template, type, Machine).flatMap(({ properties }) => {
    const { InstanceType, NetworkInterfaces, BlockDeviceMappings } = properties;
    const addresses = NetworkInterfaces.filter(({ AssociatePublicIpAddress }) => AssociatePublicIpAddress).length;
    const gigabytes = BlockDeviceMappings.reduce((sum, { Ebs }) => sum + Ebs.VolumeSize, 0);
    return [
      line(`machine: ${InstanceType}`, "1", prices.instanceHour[InstanceType] * hoursOfMonth),
      line("machine: public addresses", String(addresses), addresses * prices.publicAddressHour * hoursOfMonth),
      line("machine: disk", `${gigabytes} GB`, gigabytes * prices.diskGigabyteMonth),
    ];
  });
}

/** Those of the type Gateway cost nothing. */
function endpoints(template: Template, type: string): CostLine[] {
  const Endpoint = z.object({ VpcEndpointType: z.string(), SubnetIds: z.array(z.unknown()).default([]) });
  const priced = resourcesOf(template, type, Endpoint)
    .filter(({ properties }) => properties.VpcEndpointType !== "Gateway")
    .reduce((sum, { properties }) => sum + properties.SubnetIds.length, 0);
  return priced === 0 ? [] : [line("endpoints", String(priced), priced * prices.interfaceEndpointHour * hoursOfMonth)];
}

function beyond(quantity: number, free: number): number {
  return Math.max(0, quantity - free);
}
