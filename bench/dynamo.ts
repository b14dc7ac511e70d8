import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { tableDefinition } from "../adapters/dynamo-table.ts";
import { startDynamo } from "../local/dynamo/dynamo-server.ts";

export const tableName = "omx-web-bench";

/** A table in a DynamoDB of this process. */
export async function startTable(
  cleanUp: AsyncDisposableStack,
): Promise<{ readonly client: DynamoDBDocumentClient; readonly endpoint: string }> {
  const server = cleanUp.use(await startDynamo({ port: 0 }));
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  const plain = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
  cleanUp.defer(() => plain.destroy());
  await plain.send(new CreateTableCommand({ TableName: tableName, ...tableDefinition }));
  const client = DynamoDBDocumentClient.from(plain, { marshallOptions: { removeUndefinedValues: true } });
  return { client, endpoint: server.endpoint };
}

/** Has DynamoDB tell what each call costs, and adds it up. */
export function meterCapacity(client: DynamoDBDocumentClient): { readonly units: number } {
  const meter = { units: 0 };
  client.middlewareStack.add(
    (next) => async (call) => {
      const answer = await next({ ...call, input: { ...call.input, ReturnConsumedCapacity: "TOTAL" } });
      meter.units += unitsOf(answer.output);
      return answer;
    },
    { step: "initialize", priority: "high", name: "meterCapacity" },
  );
  return meter;
}

/** A call for one item answers one capacity, a call for several a list of them. */
const Consumed = z.object({ CapacityUnits: z.number() });
const Metered = z.object({ ConsumedCapacity: z.union([Consumed.transform((one) => [one]), z.array(Consumed)]) });

function unitsOf(output: unknown): number {
  return Metered.parse(output).ConsumedCapacity.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
}
