import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  type UpdateCommand,
} from "@aws-sdk/lib-dynamodb";

export function connect(endpoint: string): DynamoDBDocumentClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 }),
  );
}

/** The table `jobs`: key `id` and `part`, index `by-owner` of whole items, index `by-state` of the keys alone. */
export async function createJobsTable(dynamo: DynamoDBDocumentClient): Promise<void> {
  await dynamo.send(
    new CreateTableCommand({
      TableName: "jobs",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["id", "part", "owner", "state"].map((AttributeName) => ({
        AttributeName,
        AttributeType: "S",
      })),
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        { AttributeName: "part", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-owner",
          KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
        {
          IndexName: "by-state",
          KeySchema: [{ AttributeName: "state", KeyType: "HASH" }],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    }),
  );
}

/** One of the commands whose type is not known before; the client's overloads take each kind by itself. */
export function sendWrite(dynamo: DynamoDBDocumentClient, command: PutCommand | UpdateCommand | DeleteCommand) {
  return dynamo.send(command as PutCommand);
}

/** The attributes after `id` and `part`, which are "1" and "a" unless given. */
export function put(attributes: Record<string, unknown>): PutCommand {
  return new PutCommand({ TableName: "jobs", Item: { id: "1", part: "a", ...attributes } });
}

export function queryOwner(
  owner: string,
  options: { Limit?: number; ExclusiveStartKey?: Record<string, string> } = {},
) {
  return new QueryCommand({
    TableName: "jobs",
    IndexName: "by-owner",
    KeyConditionExpression: "#owner = :owner",
    ExpressionAttributeNames: { "#owner": "owner" },
    ExpressionAttributeValues: { ":owner": owner },
    ...options,
  });
}
