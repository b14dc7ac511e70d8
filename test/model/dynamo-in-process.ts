import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { liveIndex, liveShardOf, tableDefinition } from "../../adapters/dynamo-table.ts";
import { createServer, createStore } from "../../local/dynamo/cured-dynalite.ts";

export const tableName = "model";

/** What the SDK's request handlers are given, as far as it is used here. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Parts of the SDK that have no say in what is stored and cost a third of a call. */
const unneeded = [
  "getUserAgentMiddleware",
  "hostHeaderMiddleware",
  "recursionDetectionMiddleware",
  "retryMiddleware",
  "httpSigningMiddleware",
  "loggerMiddleware",
  "contentLengthMiddleware",
];
const unsigned = { authorization: "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=x, Signature=x", "x-amz-date": "x" };

/**
 * The service's table, empty and of one schedule alone, in a DynamoDB of this process that is spoken to by function calls
 * instead of by HTTP: the SDK's marshalling and the server's semantics are the real ones.
 */
export async function tableInProcess(tenants: readonly string[]): Promise<DynamoDBDocumentClient> {
  const store = createStore(undefined);
  await store.db.open();
  const client = new DynamoDBClient({
    region: "us-east-1",
    endpoint: "http://dynamo.invalid",
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    maxAttempts: 1,
    requestHandler: Object.assign(handlerOf(createServer(store)), { destroy() {} }) as never,
  });
  for (const name of unneeded) if (!client.middlewareStack.remove(name)) throw new Error(`The SDK has no ${name}.`);
  await client.send(new CreateTableCommand({ TableName: tableName, ...tableDefinition }));
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  return withoutEmptyShards(documents, new Set(tenants.map(liveShardOf)));
}

function handlerOf(server: Server) {
  return {
    handle: ({ method, path, headers, body }: SdkRequest) =>
      new Promise((resolve) => {
        const request = Object.assign(new EventEmitter(), { method, url: path, headers: { ...headers, ...unsigned } });
        const answered: Record<string, string> = {};
        const response = {
          statusCode: 200,
          setHeader: (name: string, value: string | number) => {
            answered[name.toLowerCase()] = String(value);
          },
          end: (content: string) => {
            resolve({ response: { statusCode: response.statusCode, headers: answered, body: Buffer.from(content) } });
          },
        };
        server.emit("request", request, response);
        request.emit("data", Buffer.from(body.buffer, body.byteOffset, body.byteLength));
        request.emit("end");
      }),
  };
}

/** Of the live index's shards no more can hold anything than those of the tenants: the others are not asked, for speed. */
function withoutEmptyShards(client: DynamoDBDocumentClient, shards: ReadonlySet<string>): DynamoDBDocumentClient {
  const send = client.send.bind(client) as (command: unknown) => Promise<unknown>;
  const isEmpty = ({ input }: { input: { IndexName?: string; ExpressionAttributeValues?: Record<string, string> } }) =>
    input.IndexName === liveIndex.name && !shards.has(input.ExpressionAttributeValues?.[":partition"] ?? "");
  return Object.assign(client, {
    send: (command: Parameters<typeof isEmpty>[0]) =>
      isEmpty(command) ? Promise.resolve({ Items: [], Count: 0 }) : send(command),
  });
}
