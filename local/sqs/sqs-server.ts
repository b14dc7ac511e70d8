import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { admitOnly } from "../admit-only.ts";
import { answerRequests } from "./answer-requests.ts";
import { CuredQueues } from "./cured-queues.ts";
import { keepQueues, openDatabase } from "./database.ts";
import { createRouter } from "./operations.ts";

/** An SQS of this process; disposing it ends the waiting polls and closes the database. */
export interface SqsServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, with which the queue URLs begin. */
  readonly endpoint: string;
}

/**
 * Starts SQS on 127.0.0.1, on any free port if `port` is 0. Its queues last in `directory` (made with mode 0700), or only
 * in memory without one. With an `accessKeyId` it answers to that one alone. Nothing stops a second process from using the directory at the same time, to its harm. Throws
 * node's error when the port is taken.
 */
export async function startSqs(options: {
  port: number;
  directory?: string;
  accessKeyId?: string;
}): Promise<SqsServer> {
  await using cleanUp = new AsyncDisposableStack();
  const database = options.directory === undefined ? undefined : await openDatabase(options.directory);
  cleanUp.defer(() => database?.close());

  const server = createServer();
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  cleanUp.defer(() => close(server));

  const { address, port } = server.address() as AddressInfo;
  const queues = new CuredQueues(`${address}:${port}`);
  cleanUp.defer(() => queues.shutdown());
  if (database) keepQueues(queues, database);
  server.on("request", answerRequests(createRouter(queues)));
  admitOnly(server, options.accessKeyId);

  const owned = cleanUp.move();
  return { endpoint: `http://${address}:${port}`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // Time for the answers to the polls that have just been ended.
  await setImmediate();
  server.closeAllConnections();
  await closed;
}
