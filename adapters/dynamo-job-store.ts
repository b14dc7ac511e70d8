import { createHash } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { JobRecord, JobSpec } from "../core/job.ts";
import { liveShards, retentionDays } from "../core/limits.ts";
import type { JobStore, RequestMemory } from "../core/ports.ts";
import { listJobs } from "./dynamo-job-list.ts";
import { expiryAttribute, jobKey, liveIndex, requestKey, specKey } from "./dynamo-table.ts";
import { jobExpression } from "./job-expression.ts";

export function dynamoJobStore(client: DynamoDBDocumentClient, tableName: string): JobStore {
  const table = { TableName: tableName };

  async function read(key: { pk: string; sk: string }): Promise<Record<string, unknown> | undefined> {
    return (await client.send(new GetCommand({ ...table, Key: key, ConsistentRead: true }))).Item;
  }

  async function putOnce(item: Record<string, unknown>): Promise<boolean> {
    const Item = { ...item, [expiryAttribute]: expiry() };
    const put = new PutCommand({ ...table, Item, ConditionExpression: "attribute_not_exists(pk)" });
    return (await unlessRefused(client.send(put))) !== undefined;
  }

  return {
    async rememberRequest(request) {
      const key = requestKey(request.tenantId, createHash("sha256").update(request.key).digest("hex"));
      const { fingerprint, jobId, requestId } = request;
      // Not under the index's attribute names: this row must not appear among the tenant's jobs.
      if (await putOnce({ ...key, fingerprint, requestId, rememberedJobId: jobId })) return request;
      const item = await read(key);
      if (item === undefined) return this.rememberRequest(request);
      return { ...request, ...remembered(item) };
    },

    async create(record, spec) {
      await putOnce({ ...specKey(record.jobId), spec });
      await putOnce({ ...jobKey(record.jobId), ...record, [liveIndex.partitionKey]: liveShard(record.jobId) });
    },

    async get(jobId) {
      const item = await read(jobKey(jobId));
      return item && JobRecord.parse(item);
    },

    async getSpec(jobId) {
      const item = await read(specKey(jobId));
      return item && JobSpec.parse(item.spec);
    },

    async update(jobId, guard, changes) {
      if (guard.status.length === 0) return undefined;
      const expression = jobExpression(guard, changes);
      const update = new UpdateCommand({ ...table, Key: jobKey(jobId), ...expression, ReturnValues: "ALL_NEW" });
      const answer = await unlessRefused(client.send(update));
      return answer && JobRecord.parse(answer.Attributes);
    },

    list: (tenantId, filter, page) => listJobs(client, tableName, tenantId, filter, page),

    async *listLive() {
      for (let shard = 0; shard < liveShards; shard++) {
        const query = {
          ...table,
          IndexName: liveIndex.name,
          KeyConditionExpression: `${liveIndex.partitionKey} = :shard`,
          ExpressionAttributeValues: { ":shard": `LIVE#${shard}` },
        };
        for await (const page of paginateQuery({ client }, query)) {
          for (const item of page.Items ?? []) yield String(item.jobId);
        }
      }
    },
  };
}

/** A refused condition is an answer, not an error. */
async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

const Remembered = z.object({ fingerprint: z.string(), requestId: z.string(), rememberedJobId: z.string() });

function remembered(item: unknown): Pick<RequestMemory, "fingerprint" | "requestId" | "jobId"> {
  const { fingerprint, requestId, rememberedJobId } = Remembered.parse(item);
  return { fingerprint, requestId, jobId: rememberedJobId };
}

/** By the id's random end: its head is the time, which would put all new jobs into one shard. */
function liveShard(jobId: string): string {
  return `LIVE#${jobId.charCodeAt(jobId.length - 1) % liveShards}`;
}

function expiry(): number {
  return Math.floor(Date.now() / 1_000) + retentionDays * 86_400;
}
