import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { apiKeyKey, expiryAttribute } from "../../adapters/dynamo-table.ts";
import { tableName } from "../../local/provision.ts";
import { apiKeysContract } from "../contracts/api-keys.contract.ts";
import { testKey } from "../helpers/api-keys.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs, slots } = await testTable();
const keys = dynamoApiKeys(client, tableName);

apiKeysContract(keys);

test("A stored key outlives its validity: an expired one is told from one that never was", async () => {
  const { key } = testKey({ validUntil: "2020-01-01T00:00:00.000Z" });
  await keys.create(key);

  const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: apiKeyKey(key.keyId) }));

  expect(Object.keys(Item ?? {})).not.toContain(expiryAttribute);
});

test("A key's row holds a hash in the place of the secret", async () => {
  const { key, header } = testKey();
  await keys.create(key);

  const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: apiKeyKey(key.keyId) }));

  expect(JSON.stringify(Item)).toContain(key.secretHash);
  expect(JSON.stringify(Item)).not.toContain(header.split("_")[2]);
});

test("Keys are seen by nobody who looks for jobs or slots", async () => {
  const { key } = testKey({ tenantId: "only-keys" });
  await keys.create(key);

  const page = await jobs.list("only-keys", { labels: [] }, { before: undefined, limit: 10 });

  expect(page).toEqual({ jobs: [], next: undefined });
  expect(await Array.fromAsync(jobs.listLive("active"))).toEqual([]);
  expect(await Array.fromAsync(jobs.listWaitingTenants())).toEqual([]);
  expect(await Array.fromAsync(slots.listTenants())).toEqual([]);
});
