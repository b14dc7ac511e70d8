import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { tableDefinition } from "../../adapters/dynamo-table.ts";

const Key = z.object({ pk: z.string(), sk: z.string() });
type Key = z.infer<typeof Key>;
const Written = z.union([
  z.object({ Key }).transform((call) => call.Key),
  z.object({ Item: Key }).transform((call) => call.Item),
]);

export interface StaleReads extends AsyncDisposable {
  /** Lets the reads catch up with the writes. */
  catchUp(): Promise<void>;
}

/**
 * Has every read of the client that does not ask for consistency, those of an index above all, answer as of so many
 * writes ago, until disposed of. They are answered by a second table, to which each write from now on comes that much
 * later.
 */
export async function staleReads(
  client: DynamoDBDocumentClient,
  tableName: string,
  { writes }: { readonly writes: number },
): Promise<StaleReads> {
  const replica = `${tableName}-${crypto.randomUUID()}`;
  const copier = new DynamoDBClient({});
  await copier.send(new CreateTableCommand({ TableName: replica, ...tableDefinition }));
  const pending: { key: Key; item: Awaited<ReturnType<typeof stored>> }[] = [];
  let turn = Promise.resolve();

  async function stored({ pk, sk }: Key) {
    const get = { TableName: tableName, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true };
    return (await copier.send(new GetItemCommand(get))).Item;
  }

  async function applyAllBut(count: number): Promise<void> {
    while (pending.length > count) {
      const { key, item } = pending.shift() ?? { key: { pk: "", sk: "" }, item: undefined };
      const { pk, sk } = key;
      if (item) await copier.send(new PutItemCommand({ TableName: replica, Item: item }));
      else await copier.send(new DeleteItemCommand({ TableName: replica, Key: { pk: { S: pk }, sk: { S: sk } } }));
    }
  }

  /** One after the other, so that the replica has had every state of the table. */
  function note(key: Key): Promise<void> {
    turn = turn.then(async () => {
      pending.push({ key, item: await stored(key) });
      await applyAllBut(writes);
    });
    return turn;
  }

  client.middlewareStack.add(
    (next, context) => async (parameters) => {
      const command = context.commandName ?? "";
      const isStale =
        /^(GetItem|Query)Command$/.test(command) &&
        !("ConsistentRead" in parameters.input && parameters.input.ConsistentRead);
      if (isStale) return next({ ...parameters, input: { ...parameters.input, TableName: replica } });
      try {
        return await next(parameters);
      } finally {
        // Also where the answer was lost.
        if (/^(Put|Update|Delete)ItemCommand$/.test(command)) await note(Written.parse(parameters.input));
      }
    },
    { step: "initialize", priority: "low", name: replica },
  );
  return {
    async catchUp() {
      await turn;
      await applyAllBut(0);
    },
    async [Symbol.asyncDispose]() {
      client.middlewareStack.remove(replica);
      await turn;
      copier.destroy();
    },
  };
}
