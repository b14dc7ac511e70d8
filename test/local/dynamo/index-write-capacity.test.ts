import { BatchWriteCommand, DeleteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, sendWrite } from "./jobs-table.ts";

const Key = { id: "1", part: "a" };
const kilobytes = (count: number) => "x".repeat(count * 1000);

const update = (UpdateExpression: string, values?: Record<string, string>) =>
  new UpdateCommand({
    TableName: "jobs",
    Key,
    UpdateExpression,
    ExpressionAttributeNames: { "#owner": "owner" },
    ...(values && { ExpressionAttributeValues: values }),
  });

test.each([
  { write: "a put outside of all indexes", units: 1, command: put({}) },
  { write: "a put into one index", units: 2, command: put({ owner: "ann" }) },
  { write: "a put into two indexes", units: 3, command: put({ owner: "ann", state: "queued" }) },
  {
    write: "a put of 1.5 kB, of which one index keeps the keys",
    units: 5,
    command: put({ owner: "ann", state: "queued", text: kilobytes(1.5) }),
  },
  { write: "a put that changes nothing", old: { owner: "ann" }, units: 1, command: put({ owner: "ann" }) },
  {
    write: "a put that changes what the index has",
    old: { owner: "ann" },
    units: 2,
    command: put({ owner: "ann", text: "x" }),
  },
  {
    write: "a put that changes what the index has not",
    old: { state: "queued" },
    units: 1,
    command: put({ state: "queued", text: "x" }),
  },
  {
    write: "a put that shrinks the item",
    old: { owner: "ann", text: kilobytes(1.5) },
    units: 4,
    command: put({ owner: "ann" }),
  },
  {
    write: "an update of the index key",
    old: { owner: "ann" },
    units: 3,
    command: update("SET #owner = :owner", { ":owner": "bob" }),
  },
  { write: "an update out of the index", old: { owner: "ann" }, units: 2, command: update("REMOVE #owner") },
  {
    write: "a delete",
    old: { owner: "ann", text: kilobytes(1.5) },
    units: 4,
    command: new DeleteCommand({ TableName: "jobs", Key }),
  },
  { write: "a delete of nothing", units: 1, command: new DeleteCommand({ TableName: "jobs", Key }) },
])("$write costs $units write units", async ({ old, command, units }) => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  if (old) await dynamo.send(put(old));
  command.input.ReturnConsumedCapacity = "TOTAL";

  const { ConsumedCapacity } = await sendWrite(dynamo, command);

  expect(ConsumedCapacity).toEqual({ TableName: "jobs", CapacityUnits: units });
});

test("The cost is listed by table and index when asked for", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const command = put({ owner: "ann", state: "queued", text: kilobytes(1.5) });
  command.input.ReturnConsumedCapacity = "INDEXES";

  const { ConsumedCapacity } = await dynamo.send(command);

  expect(ConsumedCapacity).toEqual({
    TableName: "jobs",
    CapacityUnits: 5,
    Table: { CapacityUnits: 2 },
    GlobalSecondaryIndexes: { "by-owner": { CapacityUnits: 2 }, "by-state": { CapacityUnits: 1 } },
  });
});

test("A batch costs what its writes and their indexes cost", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const items = [
    { id: "1", part: "a", owner: "ann" },
    { id: "1", part: "b" },
  ];

  const { ConsumedCapacity } = await dynamo.send(
    new BatchWriteCommand({
      RequestItems: { jobs: items.map((Item) => ({ PutRequest: { Item } })) },
      ReturnConsumedCapacity: "TOTAL",
    }),
  );

  expect(ConsumedCapacity).toEqual([{ TableName: "jobs", CapacityUnits: 3 }]);
});
