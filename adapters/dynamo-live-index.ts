import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { liveShards } from "../core/limits.ts";
import type { JobStore, TenantSlots } from "../core/ports.ts";
import { liveIndex, livePartition, liveShardOf, tenantOf, waitingPrefix } from "./dynamo-table.ts";
import { queryIndex } from "./query-index.ts";

type LiveIndex = Pick<JobStore, "listLive" | "listWaiting" | "countWaiting" | "listWaitingTenants"> &
  Pick<TenantSlots, "listTenants">;

/** Sorts after every character of an id and of an encoded name, `~` included. */
const afterAll = "\x7f";

/** Who asks what waits rarely starts more than a few of it. */
const waitingPage = { Limit: 25 };

/** The index of what is not settled. It holds keys only, so that a job's heartbeats do not touch it. */
export function dynamoLiveIndex(client: DynamoDBDocumentClient, tableName: string): LiveIndex {
  const pages = (partition: string, from: string, to: string, more: { Limit?: number; Select?: "COUNT" } = {}) =>
    queryIndex(client, {
      TableName: tableName,
      IndexName: liveIndex.name,
      KeyConditionExpression: `${liveIndex.partitionKey} = :partition AND ${liveIndex.sortKey} BETWEEN :from AND :to`,
      ExpressionAttributeValues: { ":partition": partition, ":from": from, ":to": to },
      ...more,
    });

  async function* keys(partition: string, prefix: string, more: { Limit?: number } = {}): AsyncIterable<string> {
    for await (const page of pages(partition, prefix, prefix + afterAll, more)) {
      for (const item of page.Items ?? []) yield String(item[liveIndex.sortKey]);
    }
  }

  async function firstKey(partition: string, from: string, to: string): Promise<string | undefined> {
    for await (const { Items } of pages(partition, from, to, { Limit: 1 })) {
      if (Items?.[0]) return String(Items[0][liveIndex.sortKey]);
    }
    return undefined;
  }

  return {
    async *listLive(place) {
      for (const shard of shards()) for await (const key of keys(shard, `${place}#`)) yield idOf(key);
    },

    async *listWaiting(tenantId) {
      for await (const key of keys(liveShardOf(tenantId), waitingPrefix(tenantId), waitingPage)) yield idOf(key);
    },

    async countWaiting(tenantId, atMost) {
      const prefix = waitingPrefix(tenantId);
      const counting = { Select: "COUNT", Limit: atMost } as const;
      let count = 0;
      // A page ends at 1 MB, which is some 9,000 jobs: nearly always the first is enough.
      for await (const page of pages(liveShardOf(tenantId), prefix, prefix + afterAll, counting)) {
        count += page.Count ?? 0;
        if (count >= atMost) return atMost;
      }
      return count;
    },

    /** One query for each tenant, however many jobs of it wait. */
    async *listWaitingTenants() {
      for (const shard of shards()) {
        let from = "waiting#";
        for (;;) {
          const key = await firstKey(shard, from, `waiting#${afterAll}`);
          if (key === undefined) break;
          yield tenantOf(key);
          from = waitingPrefix(tenantOf(key)) + afterAll;
        }
      }
    },

    async *listTenants() {
      for (const shard of shards()) for await (const key of keys(shard, "slots#")) yield tenantOf(key);
    },
  };
}

/** Beginning anywhere: what comes last in one listing comes early in another. */
function shards(): string[] {
  const first = Math.floor(Math.random() * liveShards);
  return Array.from({ length: liveShards }, (_, index) => livePartition((first + index) % liveShards));
}

function idOf(sortKey: string): string {
  return sortKey.slice(sortKey.lastIndexOf("#") + 1);
}
