import { isDeepStrictEqual } from "node:util";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
} from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { tableDefinition } from "../adapters/dynamo-table.ts";

export const tableName = "omx-web";

/** Raised for a table that an earlier version has made: this one would not find everything in it. */
export class TableOutdated extends Error {
  override readonly name = "TableOutdated";
}

/** Makes the table unless an earlier start has. Throws `TableOutdated`. */
export async function provisionTable(): Promise<void> {
  const client = new DynamoDBClient({});
  try {
    await client.send(new CreateTableCommand({ TableName: tableName, ...tableDefinition }));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    await assertIndexes(client);
  } finally {
    client.destroy();
  }
}

async function assertIndexes(client: DynamoDBClient): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  const stored = new Map(Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema }) => [IndexName, KeySchema]));
  for (const { IndexName, KeySchema } of tableDefinition.GlobalSecondaryIndexes ?? []) {
    if (isDeepStrictEqual(keys(stored.get(IndexName)), keys(KeySchema))) continue;
    throw new TableOutdated(
      `DATA_DIR holds the data of an earlier version (its index ${IndexName} differs). ` +
        "Start with another DATA_DIR, or move this folder away; nothing in it was changed.",
    );
  }
}

function keys(schema: readonly KeySchemaElement[] | undefined): (string | undefined)[] | undefined {
  return schema?.map(({ AttributeName }) => AttributeName);
}

/** Makes the queue unless an earlier start has; answers its URL. */
export async function provisionQueue(): Promise<string> {
  const client = new SQSClient({});
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "omx-web-jobs" }));
  client.destroy();
  if (QueueUrl === undefined) throw new Error("The queue has no URL.");
  return QueueUrl;
}
