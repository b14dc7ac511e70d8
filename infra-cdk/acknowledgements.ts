import { type CfnElement, type Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { Route } from "../openapi/route.ts";
import { routeNames, routes } from "../openapi/routes.ts";
import type { RunnerCluster } from "./runner-cluster.ts";

/** Something that the checks of AwsSolutions find, and that is meant to be so. */
interface Acknowledgement {
  /** The construct's path below the stack. */
  readonly at: string;
  readonly finding: string;
  readonly reason: string;
}

const acknowledgements: readonly Acknowledgement[] = [
  ...[...routeNames, "authorizer"].map((name) => ({
    at: `Api/${name}Role`,
    finding: "IAM5[Resource::*]",
    reason: "Writing a trace takes two actions of xray, which know no resource.",
  })),
  {
    at: "Api/Rest/CloudWatchRole",
    finding: "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
    reason: "API Gateway takes no role for its logs that may do less than this policy.",
  },
  {
    at: "Api",
    finding: "APIG3",
    reason: "A web ACL costs $5 a month and $1 a rule, idle or not. Callers have keys, and the stage is throttled.",
  },
  {
    at: "Api",
    finding: "COG4",
    reason: "Callers are programs with keys, which a request authorizer checks; no users sign in.",
  },
  ...publicMethods().map((method) => ({
    at: `Api/Rest/Default${method}`,
    finding: "APIG4",
    reason: "The route is public by the route table: it tells of the service and of no job.",
  })),
  {
    at: "Runners/Cluster",
    finding: "ECS4",
    reason: "Container Insights asks money for each task and metric; how a job goes is in its events.",
  },
  {
    at: "Runners/Task",
    finding: "ECS2",
    reason: "They are names of resources and a URL. The one secret comes from a parameter when the task starts.",
  },
  {
    at: "Runners/TaskRole",
    finding: "IAM5[Resource::*]",
    reason: "Attaching by ECS Exec takes four actions of ssmmessages, which know no resource.",
  },
  {
    at: "Runners/ExecutionRole",
    finding: "IAM5[Resource::*]",
    reason: "ecr:GetAuthorizationToken knows no resource; the pull itself is limited to the runner's repository.",
  },
  {
    at: "Background/reconcileRole",
    finding: "IAM5[Resource::*]",
    reason: "ecs:ListTasks knows no resource but container instances; a condition limits it to the cluster.",
  },
];

const aboutEgressProxy: readonly Acknowledgement[] = [
  {
    at: "Runners/Network/EgressProxy/Instance",
    finding: "EC28",
    reason: "Figures by the minute cost $2.10 a month, and the checks that reboot it come by the minute anyway.",
  },
  {
    at: "Runners/Network/EgressProxy/Instance",
    finding: "EC29",
    reason: "It keeps nothing, and a deploy with another list replaces it, which the protection would forbid.",
  },
];

/** What launches and stops runners may do so to any of them, which takes a wildcard at the end of a name. */
function aboutRunners(stack: Stack, { family, cluster }: RunnerCluster): Acknowledgement[] {
  const ecs = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>";
  const clusterId = stack.getLogicalId(cluster.node.defaultChild as CfnElement);
  const revisions = ["Api/createJobRole", "Api/retryJobRole", "Background/reconcileRole"].map((at) => ({
    at,
    finding: `IAM5[Resource::${ecs}:task-definition/${family}:*]`,
    reason: "Any revision of the runners' family, as a deploy may retire the latest one while a job waits.",
  }));
  const tasks = ["Api/attachJobRole", "Background/reconcileRole"].map((at) => ({
    at,
    finding: `IAM5[Resource::${ecs}:task/<${clusterId}>/*]`,
    reason: "Any task of the runners' cluster: tasks get their names from ECS.",
  }));
  return [...revisions, ...tasks];
}

/** The one place where findings are acknowledged, each with its reason. */
export function acknowledgeFindings(stack: Stack, runners: RunnerCluster): void {
  const ofNetwork = runners.network.egressProxy === undefined ? [] : aboutEgressProxy;
  for (const { at, finding, reason } of [...acknowledgements, ...ofNetwork, ...aboutRunners(stack, runners)]) {
    const construct = at.split("/").reduce<IConstruct>((scope, id) => scope.node.findChild(id), stack);
    Validations.of(construct).acknowledge({ id: `AwsSolutions-${finding}`, reason });
  }
}

function publicMethods(): string[] {
  return routeNames.flatMap((name) => {
    const { public: isPublic, method, path }: Route = routes[name];
    return isPublic ? [`${path}/${method}`] : [];
  });
}
