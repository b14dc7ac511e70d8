import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { admitOwnUser } from "../admit-own-user.ts";
import { isLoopbackHost } from "../gateway/loopback-host.ts";
import { PortInUse } from "../gateway/port-in-use.ts";

/**
 * The port on 127.0.0.1 behind which MiniStack answers on its socket. It lets in this user's programs: no other user's,
 * and no web page, which MiniStack would take in from everywhere. Throws `PortInUse`.
 */
export async function openFrontDoor(port: number, socketPath: string): Promise<AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    if (isOfWebPage(incoming)) outgoing.writeHead(403).end("Not for web pages.\n");
    else void passOn(incoming, outgoing, socketPath);
  });
  admitOwnUser(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? new PortInUse(port, { cause: error }) : error;
  });
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isOfWebPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || !isLoopbackHost(headers.host);
}

async function passOn(incoming: IncomingMessage, outgoing: ServerResponse, socketPath: string): Promise<void> {
  const { method, url, rawHeaders } = incoming;
  const onward = request({ socketPath, method, path: url, headers: rawHeaders });
  const left = () => onward.destroy();
  outgoing.once("close", left);
  try {
    const response = once(onward, "response");
    await Promise.all([pipeline(incoming, onward), response]);
    const [answer]: IncomingMessage[] = await response;
    if (answer === undefined) throw new Error("There is no answer.");
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    await pipeline(answer, outgoing);
  } catch {
    // As a server that went away: what asks will say so, or ask again.
    outgoing.destroy();
  }
}
