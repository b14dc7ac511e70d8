import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { expect, test } from "vitest";
import { slotsKey } from "../../adapters/dynamo-table.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import { tableName } from "../../local/provision.ts";
import { tenantSlotsContract } from "../contracts/tenant-slots.contract.ts";
import { upTo } from "../helpers/events.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs, slots } = await testTable();

tenantSlotsContract(slots);

test("A tenant's slots stay: they do not expire as jobs do", async () => {
  const tenantId = ulid();
  await slots.take(tenantId, "a", 1);

  const { Item: item } = await client.send(new GetCommand({ TableName: tableName, Key: slotsKey(tenantId) }));

  expect(item).not.toHaveProperty("expiresAt");
});

test("Ten thousand slots of one tenant fit: the most that a deployment may give", async () => {
  const tenantId = ulid();
  await client.send(
    new UpdateCommand({
      ...{ TableName: tableName, Key: slotsKey(tenantId), UpdateExpression: "ADD holders :many" },
      ExpressionAttributeValues: { ":many": new Set(upTo(9_999).map(() => ulid())) },
    }),
  );

  expect(await slots.take(tenantId, ulid(), 10_000)).toBe(true);
  expect(await slots.take(tenantId, ulid(), 10_000)).toBe(false);

  expect(await slots.holders(tenantId)).toHaveLength(10_000);
});

test("Slots are no job: they stand in no list and wait for nothing", async () => {
  const tenantId = ulid();
  await slots.take(tenantId, ulid(), 1);

  expect((await jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 10 })).jobs).toEqual([]);
  expect(await jobs.countWaiting(tenantId, 10)).toBe(0);
  expect(await Array.fromAsync(jobs.listWaitingTenants())).toEqual([]);
  expect(await Array.fromAsync(jobs.listLive("active"))).toEqual([]);
});

test("What keeps the table from answering is passed on: it is no slot that is taken, and none that is free", async () => {
  const broken = dynamoTenantSlots(client, "no-such-table");

  await expect(broken.take(ulid(), "a", 1)).rejects.toThrow();
  await expect(broken.release(ulid(), "a")).rejects.toThrow();
  await expect(broken.holders(ulid())).rejects.toThrow();
  await expect(broken.forgetIfUnused(ulid())).rejects.toThrow();
  await expect(Array.fromAsync(broken.listTenants())).rejects.toThrow();
});
