import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";

/** One call that a client has made, and what DynamoDB charges for it. */
export interface Call {
  readonly command: string;
  /** Read or write units, indexes included. */
  readonly units: number;
  /** Items that a query has looked at, or a get has answered. */
  readonly items: number;
}

const Capacity = z.object({ CapacityUnits: z.number() });
const Answer = z.object({
  ConsumedCapacity: z.union([Capacity.transform((one) => [one]), z.array(Capacity)]),
  ScannedCount: z.int().optional(),
  Item: z.unknown().optional(),
});

/** Notes every read and write of the client from now on; answers those since it was asked last. */
export function callsOf(client: DynamoDBDocumentClient): () => Call[] {
  const calls: Call[] = [];
  client.middlewareStack.add(
    (next, context) => async (parameters) => {
      const command = (context.commandName ?? "").replace(/Command$/, "");
      if (!/Item$|^Query$/.test(command)) return next(parameters);
      const metered = { ...parameters, input: { ...parameters.input, ReturnConsumedCapacity: "TOTAL" } };
      const answer = await next(metered).catch((error: unknown) => {
        calls.push(...refusedCall(command, error));
        throw error;
      });
      calls.push(answeredCall(command, answer.output));
      return answer;
    },
    { step: "initialize", name: "callsOf" },
  );
  return () => calls.splice(0);
}

function answeredCall(command: string, output: unknown): Call {
  const { ConsumedCapacity, ScannedCount, Item } = Answer.parse(output);
  const units = ConsumedCapacity.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
  return { command, units, items: ScannedCount ?? (Item === undefined ? 0 : 1) };
}

/**
 * A write whose condition fails costs as if it had been made, one unit for a small item; dynalite does not say so.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
function refusedCall(command: string, error: unknown): Call[] {
  const isRefused = error instanceof Error && error.name === "ConditionalCheckFailedException";
  return isRefused ? [{ command, units: 1, items: 0 }] : [];
}

/** What the calls cost together. */
export function unitsOf(calls: readonly Call[]): number {
  return calls.reduce((sum, { units }) => sum + units, 0);
}
