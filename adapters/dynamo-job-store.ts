import { createHash } from "node:crypto";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { defaultRetentionDays, specRetentionDays } from "../core/limits.ts";
import type { JobStore, RequestMemory } from "../core/ports.ts";
import { listJobs } from "./dynamo-job-list.ts";
import { dynamoLiveIndex } from "./dynamo-live-index.ts";
import {
  expiryAfter,
  expiryAttribute,
  jobKey,
  liveIndex,
  liveKey,
  liveShardOf,
  requestKey,
  specKey,
} from "./dynamo-table.ts";
import { jobExpression } from "./job-expression.ts";
import { toJobRecord, toJobSpec } from "./job-row.ts";
import { unlessRefused } from "./unless-refused.ts";

/** Ended jobs and remembered requests expire after `retentionDays`. */
export function dynamoJobStore(
  client: DynamoDBDocumentClient,
  tableName: string,
  retentionDays = defaultRetentionDays,
): JobStore {
  const table = { TableName: tableName };

  async function read(
    key: { pk: string; sk: string },
    ConsistentRead = true,
  ): Promise<Record<string, unknown> | undefined> {
    return (await client.send(new GetCommand({ ...table, Key: key, ConsistentRead }))).Item;
  }

  async function putOnce(item: Record<string, unknown>): Promise<boolean> {
    const put = new PutCommand({ ...table, Item: item, ConditionExpression: "attribute_not_exists(pk)" });
    return (await unlessRefused(client.send(put))) !== undefined;
  }

  return {
    async rememberRequest(request) {
      const key = requestKey(request.tenantId, createHash("sha256").update(request.key).digest("hex"));
      const { fingerprint, jobId, requestId } = request;
      // Not under the index's attribute names: this row must not appear among the tenant's jobs.
      const kept = { [expiryAttribute]: expiryAfter(retentionDays) };
      if (await putOnce({ ...key, ...kept, fingerprint, requestId, rememberedJobId: jobId })) return request;
      const item = await read(key);
      if (item === undefined) return this.rememberRequest(request);
      return { ...request, ...remembered(item) };
    },

    async create(record, spec) {
      const kept = { [expiryAttribute]: expiryAfter(specRetentionDays) };
      await putOnce({ ...specKey(record.jobId), ...kept, schema: record.schema, spec });
      const live = {
        [liveIndex.partitionKey]: liveShardOf(record.tenantId),
        [liveIndex.sortKey]: liveKey("active", record.jobId),
      };
      await putOnce({ ...jobKey(record.jobId), ...record, ...live });
    },

    async get(jobId) {
      const item = await read(jobKey(jobId));
      return item && toJobRecord(item);
    },

    async glance(jobId) {
      const item = await read(jobKey(jobId), false);
      return item && toJobRecord(item);
    },

    async getSpec(jobId) {
      const item = await read(specKey(jobId));
      return item && toJobSpec(jobId, item);
    },

    async update(jobId, guard, changes) {
      if (guard.status.length === 0) return undefined;
      const expression = jobExpression(jobId, guard, changes, retentionDays);
      const update = new UpdateCommand({ ...table, Key: jobKey(jobId), ...expression, ReturnValues: "ALL_NEW" });
      const answer = await unlessRefused(client.send(update));
      return answer?.Attributes && toJobRecord(answer.Attributes);
    },

    list: (tenantId, filter, page) => listJobs(client, tableName, tenantId, filter, page),

    ...dynamoLiveIndex(client, tableName),
  };
}

const Remembered = z.object({ fingerprint: z.string(), requestId: z.string(), rememberedJobId: z.string() });

function remembered(item: unknown): Pick<RequestMemory, "fingerprint" | "requestId" | "jobId"> {
  const { fingerprint, requestId, rememberedJobId } = Remembered.parse(item);
  return { fingerprint, requestId, jobId: rememberedJobId };
}
