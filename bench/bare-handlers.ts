import { gunzipSync, gzipSync } from "node:zlib";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECSClient, RunTaskCommand } from "@aws-sdk/client-ecs";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { once } from "../functions/once.ts";
import type { LambdaHandler } from "../local/gateway/gateway-server.ts";
import type { StreamingHandler } from "../local/gateway/response-streaming.ts";

/**
 * The three busiest routes as one would write them for this very table without anything of ours: the same SDK calls and
 * the same answers, but no middleware, no schemas, no ports; nothing is checked and no error is handled.
 * Clients are made at the first request and marked as pure, as ours are, so that a bundle has those that it uses.
 */
export const dynamo = /* @__PURE__ */ once(() => DynamoDBDocumentClient.from(new DynamoDBClient({})));
const sqs = /* @__PURE__ */ once(() => new SQSClient({}));
export const ecs = /* @__PURE__ */ once(() => new ECSClient({}));
export const { TABLE_NAME: TableName, CLUSTER: cluster } = process.env;
const { QUEUE_URL: QueueUrl, TASK_DEFINITION: taskDefinition } = process.env;
export const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };

/** What the SDK answers is taken as it comes. */
export type Item = Record<string, unknown>;

export const getJob: LambdaHandler = async (event) => {
  const pk = `JOB#${event.pathParameters?.jobId}`;
  const [record, spec] = await Promise.all([
    dynamo().send(new GetCommand({ TableName, Key: { pk, sk: "JOB" }, ConsistentRead: true })),
    dynamo().send(new GetCommand({ TableName, Key: { pk, sk: "SPEC" }, ConsistentRead: true })),
  ]);
  const body = JSON.stringify(shown(record.Item ?? {}, (spec.Item?.spec ?? {}) as Item));
  return { statusCode: 200, headers, body };
};

export const createJob: LambdaHandler = async (event) => {
  const request = JSON.parse(event.body ?? "") as Item;
  const jobId = ulid();
  const createdAt = new Date().toISOString();
  const { provider, mode, repo, task, labels = {}, metadata = {} } = request;
  const options = { maxMinutes: 60, agentCommands: {}, maxLogBytes: 33_554_432, env: {}, ...(request.options as Item) };
  const spec = { provider, mode, repo, task, options, labels, metadata, repositoryUrl: `https://github.com/${repo}` };
  const record = newRecord(jobId, createdAt, labels);
  const queued = { seq: 1, ts: createdAt, type: "job_queued", attempt: 0, data: { provider, mode, repo, ref: null } };
  const expiresAt = Math.floor(Date.now() / 1_000) + 30 * 86_400;
  const put = (Item: Item) =>
    dynamo().send(
      new PutCommand({ TableName, Item: { ...Item, expiresAt }, ConditionExpression: "attribute_not_exists(pk)" }),
    );
  const waiting = {
    ...{ TableName, IndexName: "live" },
    KeyConditionExpression: "livePartition = :shard AND liveKey BETWEEN :from AND :to",
    ExpressionAttributeValues: { ":shard": "LIVE#0", ":from": "waiting#local#", ":to": "waiting#local#~" },
  };
  await dynamo().send(new QueryCommand({ ...waiting, Select: "COUNT" }));
  const batch = { lastSeq: 1, attempt: 0, closed: false, batchId: crypto.randomUUID() };
  const body = gzipSync(JSON.stringify([queued]));
  await put({ pk: `EVENTS#${jobId}`, sk: "0000000001", ...batch, body });
  await put({ pk: `JOB#${jobId}`, sk: "SPEC", spec });
  await put({ pk: `JOB#${jobId}`, sk: "JOB", ...record, livePartition: "LIVE#0", liveKey: `active#${jobId}` });
  await dynamo().send(new QueryCommand({ ...waiting, Limit: 25 }));
  await dynamo().send(
    new UpdateCommand({
      ...{ TableName, Key: { pk: "TENANT#bare", sk: "SLOTS" } },
      UpdateExpression: "ADD holders :job SET livePartition = :shard, liveKey = :key",
      ConditionExpression: "attribute_not_exists(holders) OR size(holders) < :maximum OR contains(holders, :jobId)",
      ExpressionAttributeValues: {
        ...{ ":job": new Set([jobId]), ":jobId": jobId, ":maximum": 10_000, ":shard": "LIVE#0", ":key": "slots#bare" },
      },
    }),
  );
  await dynamo().send(
    new UpdateCommand({
      ...{ TableName, Key: { pk: `JOB#${jobId}`, sk: "JOB" }, ReturnValues: "ALL_NEW" },
      UpdateExpression: "SET #status = :starting, #attempt = :one, #startUntil = :until, #waiting = :nothing",
      ConditionExpression: "#status IN (:queued, :starting) AND #attempt = :zero",
      ExpressionAttributeNames: {
        "#status": "status",
        "#attempt": "attempt",
        "#startUntil": "startUntil",
        "#waiting": "waiting",
      },
      ExpressionAttributeValues: {
        ...{ ":starting": "starting", ":queued": "queued", ":one": 1, ":zero": 0, ":nothing": null },
        ":until": Date.now() + 600_000,
      },
    }),
  );
  await sqs().send(
    new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ version: 1, jobId, attempt: 1 }) }),
  );
  const token = `${jobId}-1`;
  const run = { clientToken: token, startedBy: token, launchType: "FARGATE", enableExecuteCommand: true } as const;
  await ecs().send(new RunTaskCommand({ cluster, taskDefinition, ...run }));
  return {
    statusCode: 202,
    headers: { ...headers, Location: `/v1/jobs/${jobId}` },
    body: JSON.stringify(shown(record, spec)),
  };
};

export const listJobEvents: StreamingHandler = async (event, stream) => {
  const { jobId } = event.pathParameters ?? {};
  const after = Number(event.queryStringParameters?.after ?? 0);
  const limit = Number(event.queryStringParameters?.limit ?? 500);
  const [record, batches] = await Promise.all([
    dynamo().send(new GetCommand({ TableName, Key: { pk: `JOB#${jobId}`, sk: "JOB" }, ConsistentRead: true })),
    dynamo().send(
      new QueryCommand({
        ...{ TableName, Limit: 16, KeyConditionExpression: "pk = :pk AND sk > :after" },
        ExpressionAttributeValues: { ":pk": `EVENTS#${jobId}`, ":after": String(after).padStart(10, "0") },
      }),
    ),
  ]);
  const events: { readonly seq: number }[] = [];
  for (const batch of batches.Items ?? []) {
    if (events.length < limit) events.push(...JSON.parse(gunzipSync(batch.body).toString()));
  }
  const page = events.slice(0, limit);
  const next = page.at(-1)?.seq ?? after;
  const complete = record.Item?.lastSeq !== null && next >= record.Item?.lastSeq;
  const answer = awslambda.HttpResponseStream.from(stream as never, { statusCode: 200, headers });
  answer.end(JSON.stringify({ events: page, next, complete, pollAfterMs: 0 }));
};

function newRecord(jobId: string, createdAt: string, labels: unknown): Item {
  const panes = ["planner", "executor", "verifier"].map((role) => ({ role, status: "waiting", exitCode: null }));
  return {
    ...{ jobId, tenantId: "local", status: "queued", stage: null, waiting: null, attempt: 0, panes, createdAt, labels },
    ...{ owner: null, leaseUntil: null, startUntil: null, cancelRequestedAt: null, tmuxSession: null, verdict: null },
    ...{ reason: null, startedAt: null, endedAt: null, deadlineAt: null, lastSeq: null },
  };
}

export function shown(record: Item, spec: Item): Item {
  const { jobId, status, stage, waiting, attempt, labels, panes, tmuxSession, verdict, reason } = record;
  const { createdAt, startedAt, endedAt, deadlineAt } = record;
  const { provider, mode, repo, ref = null, task, metadata } = spec;
  return {
    ...{
      jobId,
      status,
      stage,
      waiting,
      attempt,
      provider,
      mode,
      repo,
      ref,
      task,
      labels,
      metadata,
      panes,
      tmuxSession,
    },
    ...{ verified: null, verdict, reason, usage: null, createdAt, startedAt, endedAt, deadlineAt, retryOf: null },
    links: { self: `/v1/jobs/${jobId}`, events: `/v1/jobs/${jobId}/events` },
  };
}
