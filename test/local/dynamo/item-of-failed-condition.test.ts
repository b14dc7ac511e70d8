import { DeleteCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, sendWrite } from "./jobs-table.ts";

const Key = { id: "1", part: "a" };
const condition = { TableName: "jobs", ConditionExpression: "attribute_not_exists(id)" } as const;
const returnOld = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

test.each([
  { write: "a put", command: new PutCommand({ ...condition, ...returnOld, Item: Key }) },
  { write: "an update", command: new UpdateCommand({ ...condition, ...returnOld, Key }) },
  { write: "a delete", command: new DeleteCommand({ ...condition, ...returnOld, Key }) },
])("A failed condition of $write returns the item when asked to", async ({ command }) => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  await dynamo.send(put({ owner: "ann" }));

  await expect(sendWrite(dynamo, command)).rejects.toMatchObject({
    name: "ConditionalCheckFailedException",
    Item: { id: { S: "1" }, part: { S: "a" }, owner: { S: "ann" } },
  });
});

test("A failed condition returns no item unasked", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  await dynamo.send(put({ owner: "ann" }));

  const error = await dynamo.send(new PutCommand({ ...condition, Item: Key })).catch((reason) => reason);

  expect(error.name).toBe("ConditionalCheckFailedException");
  expect(error.Item).toBeUndefined();
});
