import { resolve } from "node:path";
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { dynamoApiKeys } from "../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../adapters/dynamo-client.ts";
import { parseEnvironment } from "../adapters/environment.ts";
import type { ApiKeys } from "../core/ports.ts";
import { tableName } from "../local/provision.ts";
import { readStack } from "../local/remembered-stack.ts";
import type { Place } from "./command-line.ts";

const setting = z
  .string()
  .optional()
  .transform((text) => text || undefined);

const Environment = z.object({
  TABLE_NAME: setting,
  DATA_DIR: setting,
  AWS_ENDPOINT_URL: setting,
  AWS_ENDPOINT_URL_DYNAMODB: setting,
});

/** The keys of one environment. */
export interface KeyTable extends Disposable {
  readonly keys: ApiKeys;
  /** For people. */
  readonly name: string;
  /** What to do where nothing answers. */
  readonly remedy: string;
}

/** Raised where no embedded stack has been started; the message says what to do. */
export class NoStack extends Error {
  override readonly name = "NoStack";
}

/**
 * A table that is named is one of a deployment, and the SDK finds it as in any program; where none is, the keys are those of
 * the embedded stack. What is said on the command line outdoes the environment. Throws `NoStack`.
 */
export async function openKeyTable(place: Place, environment?: Record<string, string>): Promise<KeyTable> {
  const settings = parseEnvironment(Environment, environment);
  const table = place.table ?? (place["data-dir"] === undefined ? settings.TABLE_NAME : undefined);
  if (table === undefined) return openStack(resolve(place["data-dir"] ?? settings.DATA_DIR ?? ".data"));
  const endpoint = settings.AWS_ENDPOINT_URL_DYNAMODB ?? settings.AWS_ENDPOINT_URL;
  return open(
    table,
    {},
    {
      name: `table ${table}${endpoint === undefined ? "" : ` at ${endpoint}`}`,
      remedy: "Look at AWS_REGION, at AWS_ENDPOINT_URL_DYNAMODB, and at the network.",
    },
  );
}

async function openStack(directory: string): Promise<KeyTable> {
  const stack = await readStack(directory).catch((error: unknown) => {
    const why = `No embedded stack has been started with its data in ${directory}`;
    throw new NoStack(
      `${why}: start it with \`AUTH=keys npm start\`, say by --data-dir where its data is, or name a deployment's table by --table.`,
      {
        cause: error,
      },
    );
  });
  const credentials = { accessKeyId: stack.accessKeyId, secretAccessKey: "local" };
  const endpoint = `http://127.0.0.1:${stack.dynamo}`;
  return open(
    tableName,
    { endpoint, credentials, region: "us-east-1" },
    {
      name: `the embedded stack in ${directory}`,
      remedy: "It does not run: start it with `AUTH=keys npm start`.",
    },
  );
}

function open(table: string, config: DynamoDBClientConfig, about: Pick<KeyTable, "name" | "remedy">): KeyTable {
  const client = dynamoClient(config);
  return { ...about, keys: dynamoApiKeys(client, table), [Symbol.dispose]: () => client.destroy() };
}
