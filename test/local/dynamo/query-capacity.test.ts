import { QueryCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put } from "./jobs-table.ts";

const query = (options: Partial<QueryCommandInput>, id = "1") =>
  new QueryCommand({
    TableName: "jobs",
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": id },
    ReturnConsumedCapacity: "TOTAL",
    ...options,
  });

const queryOwner = (owner: string): Partial<QueryCommandInput> => ({
  IndexName: "by-owner",
  KeyConditionExpression: "#owner = :owner",
  ExpressionAttributeNames: { "#owner": "owner" },
  ExpressionAttributeValues: { ":owner": owner },
});

// The partition read has three items of 3,000 bytes and a little each, in characters of two bytes.
test.each([
  { read: "a query that finds nothing", units: 0.5, command: query({}, "2") },
  { read: "a consistent query that finds nothing", units: 1, command: query({ ConsistentRead: true }, "2") },
  { read: "a query of an index that finds nothing", units: 0.5, command: query(queryOwner("bob")) },
  { read: "a query of 9 kB", units: 1.5, command: query({}) },
  { read: "a consistent query of 9 kB", units: 3, command: query({ ConsistentRead: true }) },
  { read: "a query of an index of 9 kB", units: 1.5, command: query(queryOwner("ann")) },
  {
    read: "a query of 9 kB of which a filter leaves nothing",
    units: 1.5,
    command: query({ FilterExpression: "attribute_not_exists(#text)", ExpressionAttributeNames: { "#text": "text" } }),
  },
  { read: "a query that stops after 3 kB", units: 0.5, command: query({ Limit: 1 }) },
])("$read costs $units read units", async ({ command, units }) => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  for (const part of ["a", "b", "c"]) await dynamo.send(put({ part, owner: "ann", text: "é".repeat(1500) }));

  const { ConsumedCapacity } = await dynamo.send(command);

  expect(ConsumedCapacity).toEqual({ TableName: "jobs", CapacityUnits: units });
});

test("The cost of a query is listed by table and index when asked for", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);

  const { ConsumedCapacity } = await dynamo.send(query({ ...queryOwner("ann"), ReturnConsumedCapacity: "INDEXES" }));

  expect(ConsumedCapacity).toEqual({
    TableName: "jobs",
    CapacityUnits: 0.5,
    Table: { CapacityUnits: 0 },
    GlobalSecondaryIndexes: { "by-owner": { CapacityUnits: 0.5 } },
  });
});
