import { Stack } from "aws-cdk-lib";
import { PolicyStatement, type PolicyStatementProps } from "aws-cdk-lib/aws-iam";
import {
  apiKeyKey,
  eventsPartition,
  jobKey,
  liveIndex,
  livePartition,
  requestKey,
  slotsKey,
  tenantIndex,
} from "../adapters/dynamo-table.ts";
import { runnerContainer } from "../adapters/runner-container.ts";
import { liveShards } from "../core/limits.ts";
import type { RouteName } from "../openapi/routes.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { RunnerCluster } from "./runner-cluster.ts";
import type { Storage } from "./storage.ts";

export type FunctionName = RouteName | "authorizer" | "reconcile";

/** What permissions are for. */
export interface Resources {
  readonly storage: Storage;
  readonly hints: HintQueue;
  readonly runners: RunnerCluster;
}

type Permission<On = Resources> = (resources: On) => PolicyStatement;
type OfTable = Permission<Pick<Resources, "storage">>;
type OfQueue = Permission<Pick<Resources, "hints">>;

const jobs = jobKey("*").pk;
const events = eventsPartition("*");
const requests = requestKey("*", "").pk;
const slots = slotsKey("*").pk;
const keys = apiKeyKey("*").pk;
const live = Array.from({ length: liveShards }, (_, shard) => livePartition(shard));

const appendEvents = items([events], "GetItem", "PutItem", "Query");
const settle = [items([jobs], "GetItem", "UpdateItem"), appendEvents, items([slots], "UpdateItem")];
const rememberRequest = items([requests], "GetItem", "PutItem");
const launch = [send(), runRunners(), passRoles()];
const submit = [...settle, ...launch, rememberRequest, items([jobs], "PutItem"), queryLive()];

/** What each function may do, and nothing besides. A route without a row does not compile. */
export const permissions: Record<FunctionName, readonly Permission[]> = {
  createJob: submit,
  retryJob: submit,
  listJobs: [queryTenants(), items([jobs], "BatchGetItem")],
  getJob: [items([jobs], "GetItem")],
  listJobEvents: [items([jobs], "GetItem"), items([events], "Query")],
  cancelJob: [...settle, rememberRequest],
  attachJob: [items([jobs], "GetItem"), appendEvents, enterRunners()],
  getHealth: [],
  getOpenapi: [],
  getDocs: [],
  getDocsAsset: [],
  authorizer: [items([keys], "GetItem")],
  reconcile: [...settle, ...launch, items([slots], "GetItem"), queryLive(), listRunners(), lookAfterRunners()],
};

/** What a runner may do. It settles its job; that others may start then is left to reconcile. */
export function runnerPermissions(resources: Pick<Resources, "storage" | "hints">): PolicyStatement[] {
  return [...settle.map((permission) => permission(resources)), receive()(resources), openSessions()];
}

type DynamoAction = "BatchGetItem" | "GetItem" | "PutItem" | "Query" | "UpdateItem";

/** Of the table, only items in these partitions. */
function items(partitions: readonly string[], ...actions: readonly DynamoAction[]): OfTable {
  return ({ storage }) => inPartitions(storage.table.tableArn, partitions, actions);
}

function queryLive(): OfTable {
  return ({ storage }) => inPartitions(`${storage.table.tableArn}/index/${liveIndex.name}`, live, ["Query"]);
}

/** Its partitions are the tenants: which of them, the request says. */
function queryTenants(): OfTable {
  return ({ storage }) => allow(["dynamodb:Query"], [`${storage.table.tableArn}/index/${tenantIndex.name}`]);
}

function inPartitions(resource: string, partitions: readonly string[], actions: readonly DynamoAction[]) {
  return allow(
    actions.map((action) => `dynamodb:${action}`),
    [resource],
    { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": partitions } },
  );
}

function send(): OfQueue {
  return ({ hints }) => allow(["sqs:SendMessage"], [hints.queue.queueArn]);
}

function receive(): OfQueue {
  return ({ hints }) => allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], [hints.queue.queueArn]);
}

/** Any revision: between a deploy and its functions' update the latest one may be either. */
function runRunners(): Permission {
  return ({ runners }) => {
    const resourceName = `${runners.family}:*`;
    const revisions = Stack.of(runners).formatArn({ service: "ecs", resource: "task-definition", resourceName });
    return allow(["ecs:RunTask"], [revisions], inCluster(runners));
  };
}

function passRoles(): Permission {
  return ({ runners }) =>
    allow(["iam:PassRole"], [runners.taskRole.roleArn, runners.executionRole.roleArn], {
      StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
    });
}

function lookAfterRunners(): Permission {
  return ({ runners }) => {
    const resourceName = `${runners.cluster.clusterName}/*`;
    const tasks = Stack.of(runners).formatArn({ service: "ecs", resource: "task", resourceName });
    return allow(["ecs:DescribeTasks", "ecs:StopTask"], [tasks], inCluster(runners));
  };
}

/** By ECS Exec, in the runner's container. Which command is executed no condition can bound: the function has a fixed one. */
function enterRunners(): Permission {
  return ({ runners }) => {
    const resourceName = `${runners.cluster.clusterName}/*`;
    const tasks = Stack.of(runners).formatArn({ service: "ecs", resource: "task", resourceName });
    return allow(["ecs:ExecuteCommand"], [runners.cluster.clusterArn, tasks], {
      ...inCluster(runners),
      StringEquals: { "ecs:container-name": runnerContainer },
    });
  };
}

/** Where no container instance is named, the action knows no resource: the condition alone bounds it to the cluster. */
function listRunners(): Permission {
  return ({ runners }) => allow(["ecs:ListTasks"], ["*"], inCluster(runners));
}

function inCluster({ cluster }: RunnerCluster) {
  return { ArnEquals: { "ecs:cluster": cluster.clusterArn } };
}

/** For attaching by ECS Exec; these actions know no resource. */
function openSessions(): PolicyStatement {
  const channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
  return allow(
    channels.map((channel) => `ssmmessages:${channel}`),
    ["*"],
  );
}

function allow(
  actions: readonly string[],
  resources: readonly string[],
  conditions?: NonNullable<PolicyStatementProps["conditions"]>,
): PolicyStatement {
  return new PolicyStatement({
    actions: [...actions],
    resources: [...resources],
    ...(conditions && { conditions }),
  });
}
