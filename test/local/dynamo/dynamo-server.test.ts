import { once } from "node:events";
import { mkdtempDisposable, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { DataDirectoryInUse, startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, queryOwner } from "./jobs-table.ts";
import { startStalledClient } from "./stalled-client.ts";
import { startDynamoProcess } from "./start-dynamo-process.ts";

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), "dynamo-"));

test("What is written in a directory outlives the server, in a folder for its owner alone", async () => {
  await using temporary = await temporaryDirectory();
  const directory = join(temporary.path, "data", "dynamodb");
  {
    await using server = await startDynamo({ port: 0, directory });
    const dynamo = connect(server.endpoint);
    await createJobsTable(dynamo);
    await dynamo.send(put({ owner: "ann" }));
  }
  await using server = await startDynamo({ port: 0, directory });

  const { Items } = await connect(server.endpoint).send(queryOwner("ann"));

  expect(Items).toEqual([{ id: "1", part: "a", owner: "ann" }]);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test("Two servers without a directory share nothing", async () => {
  await using one = await startDynamo({ port: 0 });
  await using other = await startDynamo({ port: 0 });
  await createJobsTable(connect(one.endpoint));

  const { TableNames } = await connect(other.endpoint).send(new ListTablesCommand());

  expect(TableNames).toEqual([]);
});

test("A directory that another process has open is refused by name, and that process serves on", async () => {
  await using temporary = await temporaryDirectory();
  await using first = await startDynamoProcess(temporary.path);

  const second = startDynamo({ port: 0, directory: temporary.path });

  await expect(second).rejects.toThrow(DataDirectoryInUse);
  await expect(second).rejects.toThrow(temporary.path);
  expect((await connect(first.endpoint).send(new ListTablesCommand())).TableNames).toEqual([]);
});

test("A start that fails because its port is taken leaves the directory free", async () => {
  await using temporary = await temporaryDirectory();
  await using taken = await startDynamo({ port: 0 });
  const port = Number(new URL(taken.endpoint).port);

  await expect(startDynamo({ port, directory: temporary.path })).rejects.toMatchObject({ code: "EADDRINUSE" });

  await using server = await startDynamo({ port: 0, directory: temporary.path });
  expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test("The server listens at 127.0.0.1 and at no other address of the machine", async () => {
  await using server = await startDynamo({ port: 0 });
  const { hostname, port } = new URL(server.endpoint);

  const otherAddress = createConnection({ host: "127.0.0.2", port: Number(port) });

  expect(hostname).toBe("127.0.0.1");
  await expect(once(otherAddress, "connect")).rejects.toMatchObject({ syscall: "connect" });
});

test("Closing waits for no client, neither one that only keeps a connection nor one that never ends its request", async () => {
  const server = await startDynamo({ port: 0 });
  const { hostname, port } = new URL(server.endpoint);
  const silent = createConnection({ host: hostname, port: Number(port) });
  await once(silent, "connect");
  await startStalledClient(server.endpoint);

  await server[Symbol.asyncDispose]();

  await using next = await startDynamo({ port: Number(port) });
  expect(next.endpoint).toBe(server.endpoint);
});
