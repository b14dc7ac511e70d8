import { ulid } from "ulid";
import { afterAll, expect, test } from "vitest";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import { openDeployment } from "./open-deployment.ts";

const { tableName } = await openDeployment();
const client = dynamoClient();

afterAll(() => client.destroy());

test("Reconcile runs by the clock alone: a slot that is held for no job is given back", async () => {
  const slots = dynamoTenantSlots(client, tableName);
  const tenantId = `ghost-${ulid()}`;
  await slots.take(tenantId, ulid(), 1);

  await expect.poll(() => slots.holders(tenantId), { timeout: 150_000, interval: 1_000 }).toEqual([]);
});
