import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteCommand, ScanCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, queryOwner, sendWrite } from "./jobs-table.ts";
import { startDynamoProcess } from "./start-dynamo-process.ts";

const Key = { id: "1", part: "a" };
const changeOwner = new UpdateCommand({
  TableName: "jobs",
  Key,
  UpdateExpression: "SET #owner = :owner",
  ExpressionAttributeNames: { "#owner": "owner" },
  ExpressionAttributeValues: { ":owner": "bob" },
});

test.each([
  { write: "a put of a new item", command: put({ part: "b", owner: "ann" }) },
  { write: "an update of an index key", command: changeOwner },
  { write: "a delete", command: new DeleteCommand({ TableName: "jobs", Key }) },
])("A process killed within $write leaves in the index exactly the items of the table", async ({ command }) => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "dynamo-"));
  {
    await using server = await startDynamo({ port: 0, directory: temporary.path });
    await createJobsTable(connect(server.endpoint));
    await connect(server.endpoint).send(put({ owner: "ann" }));
  }
  const doomed = await startDynamoProcess(temporary.path, "1");
  await expect(sendWrite(connect(doomed.endpoint), command)).rejects.toThrow();
  expect(await doomed.exit).toEqual([null, "SIGKILL"]);

  await using server = await startDynamo({ port: 0, directory: temporary.path });
  const dynamo = connect(server.endpoint);
  const { Items: items = [] } = await dynamo.send(new ScanCommand({ TableName: "jobs" }));

  for (const owner of ["ann", "bob"]) {
    const { Items } = await dynamo.send(queryOwner(owner));
    expect(inOrder(Items)).toEqual(inOrder(items.filter((item) => item.owner === owner)));
  }
});

function inOrder(items: Record<string, string>[] = []) {
  return items.toSorted((one, other) => (one.part ?? "").localeCompare(other.part ?? ""));
}
