import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { Store } from "dynalite/db/index.js";
import { admitOnly } from "../admit-only.ts";
import { createServer, createStore } from "./cured-dynalite.ts";

/** A DynamoDB of this process; disposing it drops all connections and closes the database. */
export interface DynamoServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
}

/** Another process has the data directory open. */
export class DataDirectoryInUse extends Error {
  override name = "DataDirectoryInUse";

  constructor(directory: string, options?: ErrorOptions) {
    super(
      `The data directory ${directory} is in use by another process. Stop that process, or choose another data directory.`,
      options,
    );
  }
}

/**
 * Starts DynamoDB on 127.0.0.1, on any free port if `port` is 0. Its tables last in `directory` (made with mode 0700), or
 * only in memory without one. With an `accessKeyId` it answers to that one alone. Throws DataDirectoryInUse, or node's error when the port is taken.
 */
export async function startDynamo(options: {
  port: number;
  directory?: string;
  accessKeyId?: string;
}): Promise<DynamoServer> {
  const store = await openStore(options.directory);
  const server = createServer(store);
  admitOnly(server, options.accessKeyId);
  try {
    server.listen(options.port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    await store.db.close();
    throw error;
  }
  const { address, port } = server.address() as AddressInfo;
  return {
    endpoint: `http://${address}:${port}`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

// Dynalite closes the database once the last connection has ended; a client may keep one for long.
async function close(server: Server): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeAllConnections();
  await closed;
}

async function openStore(directory: string | undefined): Promise<Store> {
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 });
  const store = createStore(directory);
  try {
    await store.db.open();
  } catch (error) {
    if (directory !== undefined && isLocked(error)) throw new DataDirectoryInUse(directory, { cause: error });
    throw error;
  }
  return store;
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "LEVEL_LOCKED";
}
