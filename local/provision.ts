import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { tableDefinition } from "../adapters/dynamo-table.ts";

export const tableName = "omx-web";

/** Makes the table unless an earlier start has. */
export async function provisionTable(): Promise<void> {
  const client = new DynamoDBClient({});
  try {
    await client.send(new CreateTableCommand({ TableName: tableName, ...tableDefinition }));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  } finally {
    client.destroy();
  }
}

/** Makes the queue unless an earlier start has; answers its URL. */
export async function provisionQueue(): Promise<string> {
  const client = new SQSClient({});
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "omx-web-jobs" }));
  client.destroy();
  if (QueueUrl === undefined) throw new Error("The queue has no URL.");
  return QueueUrl;
}
