import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { DescribeTasksCommand, ExecuteCommandCommand, paginateListTasks, StopTaskCommand } from "@aws-sdk/client-ecs";
import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { APIGatewayRequestAuthorizerHandler } from "aws-lambda";
import { liveShards } from "../core/limits.ts";
import type { LambdaHandler } from "../local/gateway/gateway-server.ts";
import { cluster, createJob, dynamo, ecs, headers, type Item, shown, TableName } from "./bare-handlers.ts";

/** The other functions as one would write them without anything of ours, in the manner of `bare-handlers.ts`. */

const get = (pk: string, sk: string) =>
  dynamo().send(new GetCommand({ TableName, Key: { pk, sk }, ConsistentRead: true }));

async function jobOf({ pathParameters }: Parameters<LambdaHandler>[0]): Promise<{ record: Item; spec: Item }> {
  const pk = `JOB#${pathParameters?.jobId}`;
  const [record, spec] = await Promise.all([get(pk, "JOB"), get(pk, "SPEC")]);
  return { record: record.Item ?? {}, spec: (spec.Item?.spec ?? {}) as Item };
}

export const listJobs: LambdaHandler = async (event) => {
  const query = {
    ...{ TableName, IndexName: "byTenant", ScanIndexForward: false, Limit: 200 },
    KeyConditionExpression: "tenantId = :tenantId",
    ExpressionAttributeValues: { ":tenantId": event.requestContext.authorizer?.tenantId },
  };
  const { Items: found = [] } = await dynamo().send(new QueryCommand(query));
  const jobIds = found.map(({ jobId }) => String(jobId)).slice(0, 20);
  const Keys = jobIds.flatMap((jobId) => ["JOB", "SPEC"].map((sk) => ({ pk: `JOB#${jobId}`, sk })));
  const batch = new BatchGetCommand({ RequestItems: { [TableName ?? ""]: { Keys, ConsistentRead: true } } });
  const rows = (await dynamo().send(batch)).Responses?.[TableName ?? ""] ?? [];
  const row = (jobId: string, sk: string) => rows.find((one) => one.pk === `JOB#${jobId}` && one.sk === sk) ?? {};
  const jobs = jobIds.map((jobId) => shown(row(jobId, "JOB"), row(jobId, "SPEC").spec as Item));
  return { statusCode: 200, headers, body: JSON.stringify({ jobs, nextCursor: null }) };
};

export const cancelJob: LambdaHandler = async (event) => {
  const { record, spec } = await jobOf(event);
  await dynamo().send(
    new UpdateCommand({
      ...{ TableName, Key: { pk: `JOB#${record.jobId}`, sk: "JOB" }, ReturnValues: "ALL_NEW" },
      UpdateExpression: "SET cancelRequestedAt = :now",
      ConditionExpression: "#status IN (:running) AND attempt = :attempt",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ...{ ":now": new Date().toISOString(), ":running": "running", ":attempt": record.attempt },
      },
    }),
  );
  return { statusCode: 202, headers, body: JSON.stringify(shown(record, spec)) };
};

export const retryJob: LambdaHandler = async (event, context) => {
  const { spec } = await jobOf(event);
  return createJob({ ...event, body: JSON.stringify(spec) }, context);
};

export const attachJob: LambdaHandler = async (event) => {
  const { jobId } = event.pathParameters ?? {};
  const { Item: record = {} } = await get(`JOB#${jobId}`, "JOB");
  const execute = { cluster, task: record.owner, container: "runner", interactive: true, command: "attach" };
  const { session } = await ecs().send(new ExecuteCommandCommand(execute));
  const pk = `EVENTS#${jobId}`;
  const { Items = [] } = await dynamo().send(
    new QueryCommand({
      ...{ TableName, ScanIndexForward: false, Limit: 1, ConsistentRead: true },
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": pk },
    }),
  );
  const seq = (Items[0]?.lastSeq ?? 0) + 1;
  const granted = { seq, ts: new Date().toISOString(), attempt: record.attempt, type: "attach_granted" };
  const body = gzipSync(JSON.stringify([{ ...granted, data: { write: false, sessionId: session?.sessionId } }]));
  const batch = { pk, sk: String(seq).padStart(10, "0"), lastSeq: seq, attempt: 1, closed: false, body };
  await dynamo().send(new PutCommand({ TableName, Item: batch, ConditionExpression: "attribute_not_exists(pk)" }));
  return { statusCode: 200, headers, body: JSON.stringify(session) };
};

export const authorizer: APIGatewayRequestAuthorizerHandler = async ({ headers, methodArn }) => {
  const [, keyId, secret = ""] = (headers?.Authorization ?? "").split("_");
  const { Item: key = {} } = await get(`KEY#${keyId}`, "KEY");
  if (key.secretHash !== createHash("sha256").update(secret).digest("hex")) throw new Error("Unauthorized");
  return {
    principalId: String(keyId),
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "execute-api:Invoke", Resource: methodArn }],
    },
    context: { tenantId: key.tenantId, keyId: key.keyId, scopes: key.scopes.join(" ") },
  };
};

/** Of a table with nothing to look after: what is listed is empty, so that nothing more is done. */
export async function reconcile(): Promise<void> {
  const client = ecs();
  for await (const { taskArns: tasks = [] } of paginateListTasks({ client }, { cluster, desiredStatus: "RUNNING" })) {
    if (tasks.length > 0) await client.send(new DescribeTasksCommand({ cluster, tasks }));
    for (const task of tasks) await client.send(new StopTaskCommand({ cluster, task }));
  }
  for (const place of ["active", "slots", "waiting", "due", "waiting"]) {
    for (let shard = 0; shard < liveShards; shard++) await listLive(place, `LIVE#${shard}`);
  }
}

async function listLive(place: string, shard: string): Promise<void> {
  const query = {
    ...{ TableName, IndexName: "live" },
    KeyConditionExpression: "livePartition = :shard AND begins_with(liveKey, :place)",
    ExpressionAttributeValues: { ":shard": shard, ":place": `${place}#` },
  };
  for await (const { Items = [] } of paginateQuery({ client: dynamo() }, query)) {
    if (Items.length > 0) throw new Error(`There is something to look after among ${place}.`);
  }
}
