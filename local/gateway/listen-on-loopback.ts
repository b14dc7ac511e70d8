import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PortInUse } from "./port-in-use.ts";

/** How long answers that are under way at the end get, before their connections are cut. */
const CLOSE_GRACE_MILLISECONDS = 1_000;

export interface LoopbackListener extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves on this machine only: on 127.0.0.1 and, since `localhost` may mean either, on ::1 as well where there is one.
 * Port 0 takes any free one, of 127.0.0.1 alone. Throws `PortInUse`.
 */
export async function listenOnLoopback(listener: RequestListener, wantedPort: number): Promise<LoopbackListener> {
  const server = await listen(listener, "127.0.0.1", wantedPort);
  const { port } = server.address() as AddressInfo;
  const servers = [server];
  if (wantedPort !== 0) {
    try {
      servers.push(await listen(listener, "::1", port));
    } catch (error) {
      if (error instanceof PortInUse) {
        await close(server);
        throw error;
      }
      // A machine without IPv6: 127.0.0.1 is all that localhost can mean.
    }
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(close));
    },
  };
}

async function listen(listener: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(listener).listen(port, host);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    if (isAddressInUse(error)) throw new PortInUse(port, { cause: error });
    throw error;
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MILLISECONDS);
  await closed;
  clearTimeout(cut);
}
