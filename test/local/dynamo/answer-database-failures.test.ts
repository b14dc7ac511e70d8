import { createRequire } from "node:module";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterEach, expect, test, vi } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, queryOwner } from "./jobs-table.ts";
import { startDynamoProcess } from "./start-dynamo-process.ts";

const requireOfDynalite = createRequire(createRequire(import.meta.url).resolve("dynalite"));
const { AbstractLevel, AbstractValueIterator } = requireOfDynalite("abstract-level");

const read = new GetCommand({ TableName: "jobs", Key: { id: "1", part: "a" } });

afterEach(() => vi.restoreAllMocks());

test("A write that the database refuses is answered with an internal error, and the next one is served", async () => {
  const batch = vi.spyOn(AbstractLevel.prototype, "batch");
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  batch.mockRejectedValueOnce(new Error("No space left on device"));

  await expect(dynamo.send(put({ owner: "ann" }))).rejects.toMatchObject({
    name: "InternalServerError",
    message: "No space left on device",
  });

  await dynamo.send(put({ owner: "bob" }));
  expect((await dynamo.send(read)).Item?.owner).toBe("bob");
});

test("A query that the database fails is answered with an internal error, and the next one is served", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  await dynamo.send(put({ owner: "ann" }));
  vi.spyOn(AbstractValueIterator.prototype, "next").mockRejectedValueOnce(new Error("Corruption"));

  await expect(dynamo.send(queryOwner("ann"))).rejects.toMatchObject({
    name: "InternalServerError",
    message: "Corruption",
  });

  expect((await dynamo.send(queryOwner("ann"))).Count).toBe(1);
});

test("A process that closes its database under running requests ends regularly", async () => {
  await using server = await startDynamoProcess();
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const firstAnswer = Promise.withResolvers<void>();
  const untilRefused = async (id: string) => {
    for (;;) {
      await dynamo.send(put({ id, owner: "ann" }));
      firstAnswer.resolve();
    }
  };
  const clients = Promise.allSettled(Array.from({ length: 20 }, (_, client) => untilRefused(String(client))));
  await firstAnswer.promise;

  expect(await server.stop()).toEqual([0, null]);
  await clients;
});
