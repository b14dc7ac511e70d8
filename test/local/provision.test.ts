import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { tableDefinition } from "../../adapters/dynamo-table.ts";
import { startDynamo } from "../../local/dynamo/dynamo-server.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { provisionQueue, provisionTable, TableOutdated, tableName } from "../../local/provision.ts";
import { testSqs } from "../helpers/queue.ts";

const TableName = tableName;
await testSqs();
const dynamo = await startDynamo({ port: 0 });
setEnvironment({ AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint });
const client = new DynamoDBClient({});
afterAll(async () => {
  client.destroy();
  await dynamo[Symbol.asyncDispose]();
});
afterEach(() => client.send(new DeleteTableCommand({ TableName })));

const Item = { pk: { S: "JOB#1" }, sk: { S: "JOB" }, tenantId: { S: "local" }, jobId: { S: "1" } };
const storedItem = async () =>
  (await client.send(new GetItemCommand({ TableName, Key: { pk: Item.pk, sk: Item.sk } }))).Item;

/** A table as another version has made it, with a job in it. */
async function tableOf(change: (definition: typeof tableDefinition) => Omit<CreateTableCommandInput, "TableName">) {
  await client.send(new CreateTableCommand({ TableName, ...change(structuredClone(tableDefinition)) }));
  await client.send(new PutItemCommand({ TableName, Item }));
}

/** DynamoDB takes no attribute that is no key. */
function withItsAttributes(definition: typeof tableDefinition): Omit<CreateTableCommandInput, "TableName"> {
  const schemas = [definition, ...(definition.GlobalSecondaryIndexes ?? [])].map(({ KeySchema }) => KeySchema ?? []);
  const keys = new Set(schemas.flat().map(({ AttributeName }) => AttributeName));
  const attributes = definition.AttributeDefinitions?.filter(({ AttributeName }) => keys.has(AttributeName));
  return { ...definition, AttributeDefinitions: attributes };
}

describe("the table", () => {
  test("is made at the first start, and left as it is at every other", async () => {
    await provisionTable();
    await client.send(new PutItemCommand({ TableName, Item }));

    await provisionTable();

    expect(await storedItem()).toEqual(Item);
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted()).toEqual(["byTenant", "live"]);
  });

  test.each<[what: string, change: Parameters<typeof tableOf>[0]]>([
    [
      "has not the index of what is live",
      (definition) =>
        withItsAttributes({
          ...definition,
          GlobalSecondaryIndexes: definition.GlobalSecondaryIndexes?.filter(({ IndexName }) => IndexName !== "live"),
        }),
    ],
    [
      "has it by other keys",
      (definition) =>
        withItsAttributes({
          ...definition,
          GlobalSecondaryIndexes: definition.GlobalSecondaryIndexes?.map((index) =>
            index.IndexName === "live" ? { ...index, KeySchema: index.KeySchema?.slice(0, 1) } : index,
          ),
        }),
    ],
  ])("of an earlier version is not touched where it %s, and who starts is told what to do", async (_what, change) => {
    await tableOf(change);
    const before = await client.send(new DescribeTableCommand({ TableName }));

    const provisioned = provisionTable();

    await expect(provisioned).rejects.toThrow(TableOutdated);
    await expect(provisioned).rejects.toThrow(
      "DATA_DIR holds the data of an earlier version (its index live differs). " +
        "Start with another DATA_DIR, or move this folder away; nothing in it was changed.",
    );
    expect((await client.send(new DescribeTableCommand({ TableName }))).Table).toEqual(before.Table);
    expect(await storedItem()).toEqual(Item);
  });
});

test("The queue is made at the first start, and is the same at every other", async () => {
  await provisionTable();

  expect(await provisionQueue()).toBe(await provisionQueue());
});
