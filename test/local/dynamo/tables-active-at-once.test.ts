import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put } from "./jobs-table.ts";
import { startDynamoProcess } from "./start-dynamo-process.ts";

test("A process killed right after it has made a table leaves the table and its indexes active", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "dynamo-"));
  const doomed = await startDynamoProcess(temporary.path, "1");
  await expect(createJobsTable(connect(doomed.endpoint))).rejects.toThrow();
  expect(await doomed.exit).toEqual([null, "SIGKILL"]);

  await using server = await startDynamo({ port: 0, directory: temporary.path });
  const dynamo = connect(server.endpoint);
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: "jobs" }));

  expect(Table?.TableStatus).toBe("ACTIVE");
  expect(Table?.GlobalSecondaryIndexes?.map((index) => index.IndexStatus)).toEqual(["ACTIVE", "ACTIVE"]);
  await dynamo.send(put({ owner: "ann" }));
});
