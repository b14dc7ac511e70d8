import { createRequire } from "node:module";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterEach, expect, test, vi } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, queryOwner } from "./jobs-table.ts";

const requireOfDynalite = createRequire(createRequire(import.meta.url).resolve("dynalite"));
const { AbstractLevel } = requireOfDynalite("abstract-level");

afterEach(() => vi.restoreAllMocks());

test("Every query and scan closes its iterator, whether it reads to the end or stops at a limit", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  for (const part of ["a", "b", "c"]) await dynamo.send(put({ part, owner: "ann" }));
  const opened = vi.spyOn(AbstractLevel.prototype, "attachResource");
  const closed = vi.spyOn(AbstractLevel.prototype, "detachResource");

  for (const Limit of [2, 100]) {
    await dynamo.send(queryOwner("ann", { Limit }));
    await dynamo.send(new ScanCommand({ TableName: "jobs", Limit }));
  }

  expect(opened).toHaveBeenCalledTimes(4);
  await expect.poll(() => closed.mock.calls.length).toBe(4);
});
