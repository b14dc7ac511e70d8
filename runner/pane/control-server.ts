import { once } from "node:events";
import { createServer } from "node:net";
import { greet, type PaneConnection } from "./pane-connection.ts";

/** Where the wrappers of one session report. Disposing closes the socket; the connections live on. */
export interface ControlServer extends AsyncDisposable {
  /** One connection per role, once every wrapper has come. Rejects with the signal's reason. */
  everyPane(signal: AbortSignal): Promise<ReadonlyMap<string, PaneConnection>>;
}

/** Listens on a unix socket, to be in a directory that nobody else may enter. */
export async function listenForPanes(socketPath: string, paneCount: number): Promise<ControlServer> {
  const panes = new Map<string, PaneConnection>();
  const complete = Promise.withResolvers<void>();
  // A wrapper that fails before anyone waits is told to whoever waits later.
  complete.promise.catch(() => {});
  const server = createServer((socket) => {
    greet(socket).then((pane) => {
      if (pane) panes.set(pane.role, pane.connection);
      if (panes.size === paneCount) complete.resolve();
    }, complete.reject);
  });
  await once(server.listen(socketPath), "listening");
  return {
    async everyPane(signal) {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => complete.reject(signal.reason), { once: true });
      await complete.promise;
      return panes;
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
