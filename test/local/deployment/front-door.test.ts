import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openFrontDoor } from "../../../local/deployment/front-door.ts";
import { PortInUse } from "../../../local/gateway/port-in-use.ts";

/** A door on a free port, before a server that tells what it was asked. */
async function house() {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "omx-door-"));
  cleanUp.defer(() => folder.remove());
  const socketPath = join(folder.path, "socket");
  const server = createServer(async (asked, answer) => {
    const { method, url, headers } = asked;
    answer.writeHead(418, { "X-Twice": ["one", "two"] });
    answer.end(JSON.stringify({ method, url, wanted: headers["x-wanted"], body: await text(asked) }));
  });
  await once(server.listen(socketPath), "listening");
  const port = await freePort();
  cleanUp.use(await openFrontDoor(port, socketPath));
  const closeServer = () => {
    server.close();
    server.closeAllConnections();
  };
  cleanUp.defer(closeServer);
  const owned = cleanUp.move();
  return { port, url: `http://127.0.0.1:${port}`, closeServer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function freePort(): Promise<number> {
  const probe = createTcpServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

test("What is asked and what is answered pass through as they are", async () => {
  await using opened = await house();

  const body = "가".repeat(1_000_000);
  const answer = await fetch(`${opened.url}/a/%2Fb?c=d`, { method: "PUT", headers: { "X-Wanted": "this" }, body });

  expect(answer.status).toBe(418);
  expect(answer.headers.get("x-twice")).toBe("one, two");
  expect(await answer.json()).toEqual({ method: "PUT", url: "/a/%2Fb?c=d", wanted: "this", body });
});

test("A web page is kept out, by its origin and by the name that it gave this machine", async () => {
  await using opened = await house();

  expect((await fetch(opened.url, { headers: { Origin: "https://example.org" } })).status).toBe(403);
  const named = request({ port: opened.port, host: "127.0.0.1", headers: { Host: "example.org" } }).end();
  const [answer] = await once(named, "response");
  answer.resume();
  expect(answer.statusCode).toBe(403);
});

test("Where nobody answers behind it, it hangs up", async () => {
  await using opened = await house();
  opened.closeServer();

  await expect(fetch(opened.url)).rejects.toThrow();
});

test("A port that is in use is said to be", async () => {
  await using opened = await house();

  await expect(openFrontDoor(opened.port, "/nonexistent")).rejects.toThrow(PortInUse);
});
