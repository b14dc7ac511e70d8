import { once } from "node:events";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { connect } from "./jobs-table.ts";
import { startStalledClient } from "./stalled-client.ts";
import { startDynamoProcess } from "./start-dynamo-process.ts";

test("A client that dies in the middle of its request leaves the server answering", async () => {
  await using server = await startDynamoProcess();
  const client = await startStalledClient(server.endpoint);
  client.destroy();
  await once(client, "close");

  const answer = await connect(server.endpoint).send(new ListTablesCommand());

  expect(answer.TableNames).toEqual([]);
  expect(await server.stop()).toEqual([0, null]);
});
