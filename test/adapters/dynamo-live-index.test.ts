import { CreateTableCommand, DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { afterEach, describe, expect, test } from "vitest";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import {
  jobKey,
  liveIndex,
  liveKey,
  liveShardOf,
  tableDefinition,
  tenantIndex,
  waitingPrefix,
} from "../../adapters/dynamo-table.ts";
import { liveShards } from "../../core/limits.ts";
import { tableName } from "../../local/provision.ts";
import { callsOf, unitsOf } from "../helpers/calls.ts";
import { upTo } from "../helpers/events.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs, slots } = await testTable();
const calls = callsOf(client);

/** Rows with no more to them than their place among the waiting jobs; answers their ids, the oldest first. */
async function storeWaiting(tenantId: string, count: number): Promise<string[]> {
  const now = Date.now();
  const jobIds = upTo(count).map((number) => ulid(now + number));
  const rows = jobIds.map((jobId) => ({
    ...jobKey(jobId),
    [liveIndex.partitionKey]: liveShardOf(tenantId),
    [liveIndex.sortKey]: liveKey({ waitingTenant: tenantId }, jobId),
  }));
  for (let start = 0; start < rows.length; start += 25) {
    const puts = rows.slice(start, start + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
  return jobIds;
}

describe("the shards", () => {
  test.each<[what: string, tenants: readonly string[]]>([
    ["ULIDs", upTo(2_000).map(() => ulid())],
    ["names that count", upTo(2_000).map((number) => `tenant-${number}`)],
    ["names in Korean", upTo(2_000).map((number) => `${number}번 팀`)],
  ])("each have about as many tenants: %s", (_what, tenants) => {
    const counts = new Map<string, number>();
    for (const tenantId of tenants) counts.set(liveShardOf(tenantId), (counts.get(liveShardOf(tenantId)) ?? 0) + 1);

    const mean = tenants.length / liveShards;
    expect(counts.size).toBe(liveShards);
    expect(Math.min(...counts.values())).toBeGreaterThan(mean / 2);
    expect(Math.max(...counts.values())).toBeLessThan(mean * 2);
  });

  test("are all looked through, whichever is the first", async () => {
    const stored = upTo(64).map((number) => queuedJob({ tenantId: `tenant-${number}` }));
    await Promise.all(stored.map((job) => jobs.create(job, jobSpec())));

    for (const _again of upTo(10)) {
      const listed = await Array.fromAsync(jobs.listLive("active"));
      expect(listed.toSorted()).toEqual(stored.map(({ jobId }) => jobId).toSorted());
    }
  });
});

describe("what is listed over more than one page of 1 MB", () => {
  // Long names fill a page with few jobs.
  const tenantId = `${ulid()}-${"팀".repeat(90)}`;

  test("is listed and counted to its end", async () => {
    const jobIds = await storeWaiting(tenantId, 1_500);
    calls();

    expect(await Array.fromAsync(jobs.listWaiting(tenantId))).toEqual(jobIds);
    expect(calls().filter(({ command }) => command === "Query").length).toBeGreaterThan(1);
    expect(await jobs.countWaiting(tenantId, 100_000)).toBe(1_500);
    expect(await jobs.countWaiting(tenantId, 1_400)).toBe(1_400);
  });

  test("is one query where only the tenants are asked for", async () => {
    await storeWaiting(`another-${tenantId}`, 30);
    calls();

    const tenants = await Array.fromAsync(jobs.listWaitingTenants());

    expect(tenants.toSorted()).toEqual([tenantId, `another-${tenantId}`].toSorted());
    const made = calls();
    expect(made).toHaveLength(liveShards + tenants.length);
    expect(made.reduce((sum, { items }) => sum + items, 0)).toBe(tenants.length);
  });
});

describe("the price", () => {
  test("of a heartbeat is one write unit: the index holds keys only", async () => {
    const job = queuedJob({ status: "running" });
    await jobs.create(job, jobSpec());
    calls();

    await jobs.update(job.jobId, { status: ["running"] }, { leaseUntil: 1 });

    expect(calls()).toEqual([{ command: "UpdateItem", units: 1, items: 0 }]);
  });

  test("of a slot is one write unit to take and one to release, where the tenant has slots already", async () => {
    const tenantId = ulid();
    await slots.take(tenantId, ulid(), 10);
    calls();

    const jobId = ulid();
    await slots.take(tenantId, jobId, 10);
    await slots.release(tenantId, jobId);

    expect(unitsOf(calls())).toBe(2);
  });

  test("of asking how many of a thousand jobs wait is at most 16 read units", async () => {
    const tenantId = ulid();
    await storeWaiting(tenantId, 1_000);
    calls();

    await jobs.countWaiting(tenantId, 1_000);

    expect(unitsOf(calls())).toBeLessThanOrEqual(16);
  });
});

describe("a table", () => {
  const TableName = "another-table";
  afterEach(() => client.send(new DeleteTableCommand({ TableName })));
  const broken = dynamoJobStore(client, TableName);
  const { GlobalSecondaryIndexes: indexes = [], AttributeDefinitions: attributes = [], ...rest } = tableDefinition;
  const withoutLive = {
    ...{
      ...rest,
      TableName,
      GlobalSecondaryIndexes: indexes.filter(({ IndexName }) => IndexName === tenantIndex.name),
    },
    AttributeDefinitions: attributes.filter(({ AttributeName = "" }) => !AttributeName.startsWith("live")),
  };

  test("without the index keeps every job, and says what to do", async () => {
    await client.send(new CreateTableCommand(withoutLive));
    const job = queuedJob();
    await broken.create(job, jobSpec());

    const remedy = /^The index live of the table another-table is not as .* Deploy again.* no job is lost/;
    await expect(Array.fromAsync(broken.listLive("active"))).rejects.toThrow(remedy);
    await expect(Array.fromAsync(broken.listWaiting(job.tenantId))).rejects.toThrow(remedy);
    await expect(broken.countWaiting(job.tenantId, 1)).rejects.toThrow(remedy);
    await expect(Array.fromAsync(broken.listWaitingTenants())).rejects.toThrow(remedy);

    expect(await broken.get(job.jobId)).toEqual(job);
  });

  test("with the index of another version says the same", async () => {
    const GlobalSecondaryIndexes = [
      ...withoutLive.GlobalSecondaryIndexes,
      {
        IndexName: liveIndex.name,
        KeySchema: [
          { AttributeName: liveIndex.partitionKey, KeyType: "HASH" as const },
          { AttributeName: "jobId", KeyType: "RANGE" as const },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" as const },
      },
    ];
    const AttributeDefinitions = attributes.filter(({ AttributeName }) => AttributeName !== liveIndex.sortKey);
    await client.send(new CreateTableCommand({ ...rest, TableName, AttributeDefinitions, GlobalSecondaryIndexes }));

    await expect(Array.fromAsync(broken.listLive("active"))).rejects.toThrow(/Deploy again/);
  });
});

test("A tenant's name stands for itself only, whatever is in it", () => {
  const names = ["a", "a#", "a#b", "a%23", "a~", "~a", "", "#", "한국어", "한", "a/b", "a b", "a+b", "a\u0000"];
  const prefixes = names.map(waitingPrefix);

  for (const prefix of prefixes) expect(prefixes.filter((other) => other.startsWith(prefix))).toEqual([prefix]);
});
