import { BatchGetCommand, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put } from "./jobs-table.ts";

const Key = { id: "1", part: "a" };
const ReturnConsumedCapacity = "TOTAL";

test.each([
  { bytes: 600, text: "x".repeat(600), units: 1 },
  { bytes: 1200, text: "é".repeat(600), units: 2 },
  { bytes: 1800, text: "€".repeat(600), units: 2 },
  { bytes: 2400, text: "🙂".repeat(600), units: 3 },
])("600 characters of $bytes bytes cost $units units to write", async ({ text, units }) => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const command = put({ [text.slice(0, 100)]: [{ text: text.slice(100) }] });
  command.input.ReturnConsumedCapacity = ReturnConsumedCapacity;

  const { ConsumedCapacity } = await dynamo.send(command);

  expect(ConsumedCapacity?.CapacityUnits).toBe(units);
});

test("An item of 5,000 bytes in 2,500 characters costs two read units", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  await dynamo.send(put({ text: "é".repeat(2500) }));

  const one = await dynamo.send(
    new GetCommand({ TableName: "jobs", Key, ConsistentRead: true, ReturnConsumedCapacity }),
  );
  const batch = await dynamo.send(
    new BatchGetCommand({ RequestItems: { jobs: { Keys: [Key] } }, ReturnConsumedCapacity }),
  );

  expect(one.ConsumedCapacity?.CapacityUnits).toBe(2);
  expect(batch.ConsumedCapacity?.[0]?.CapacityUnits).toBe(1);
});

test("An item above 400 KiB in UTF-8 is refused though it has fewer characters", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const text = "é".repeat(205_000);
  const update = new UpdateCommand({
    TableName: "jobs",
    Key,
    UpdateExpression: "SET body = :text",
    ExpressionAttributeValues: { ":text": text },
  });

  await expect(dynamo.send(put({ text }))).rejects.toThrow("Item size has exceeded the maximum allowed size");
  await expect(dynamo.send(update)).rejects.toThrow("Item size to update has exceeded the maximum allowed size");
});
