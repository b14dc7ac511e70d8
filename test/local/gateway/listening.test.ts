import { once } from "node:events";
import { Agent } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { PortInUse } from "../../../local/gateway/port-in-use.ts";
import { echo, route, send, testGateway } from "./test-gateway.ts";

const routes = [route("GET /", echo)];
const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
const hasIpv6Loopback = interfaces.some(({ address }) => address === "::1");

async function freePort(): Promise<number> {
  await using gateway = await testGateway([]);
  return Number(new URL(gateway.url).port);
}

describe("listening", () => {
  test("answers at 127.0.0.1 and at localhost, whatever that means here", async () => {
    const port = await freePort();
    await using gateway = await testGateway(routes, { port });
    expect(gateway.url).toBe(`http://127.0.0.1:${port}`);
    expect((await fetch(gateway.url)).status).toBe(200);
    expect((await fetch(`http://localhost:${port}`)).status).toBe(200);
  });

  test.runIf(hasIpv6Loopback)("answers at ::1 too", async () => {
    const port = await freePort();
    await using _gateway = await testGateway(routes, { port });
    expect((await fetch(`http://[::1]:${port}`)).status).toBe(200);
  });

  test("answers on no other address of this machine", async () => {
    const port = await freePort();
    await using _gateway = await testGateway(routes, { port });
    const outside = interfaces.filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of outside) {
      await expect(fetch(`http://${address}:${port}`)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    }
  });

  test("says which port is in use and what to do", async () => {
    await using first = await testGateway(routes);
    const port = Number(new URL(first.url).port);
    const error = await testGateway(routes, { port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PortInUse);
    expect(error).toMatchObject({
      port,
      message: `Port ${port} is in use by another program. Stop it, or take another port: PORT=${port + 1} npm start`,
    });
    expect((await fetch(first.url)).status).toBe(200);
  });

  test.runIf(hasIpv6Loopback)("takes neither address where another program has the other one", async () => {
    const port = await freePort();
    const other = createTcpServer().listen(port, "::1");
    await once(other, "listening");
    await expect(testGateway(routes, { port })).rejects.toBeInstanceOf(PortInUse);
    other.close();
    await once(other, "close");
    await using gateway = await testGateway(routes, { port });
    expect((await fetch(gateway.url)).status).toBe(200);
  });
});

describe("the end of the gateway", () => {
  test("closes idle connections and frees the port", async () => {
    const gateway = await testGateway(routes);
    const agent = new Agent({ keepAlive: true });
    await send(gateway, "/", { agent });
    await gateway[Symbol.asyncDispose]();
    await expect(send(gateway, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await using again = await testGateway(routes, { port: Number(new URL(gateway.url).port) });
    expect((await send(again, "/", { agent })).status).toBe(200);
    agent.destroy();
  });

  test("lets an answer that is under way be given", async () => {
    const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = route("GET /slow", async () => {
      begun.resolve();
      await finish.promise;
      return { statusCode: 200, body: "whole" };
    });
    const gateway = await testGateway([slow]);
    const answer = send(gateway, "/slow");
    await begun.promise;
    const disposed = gateway[Symbol.asyncDispose]();
    finish.resolve();
    expect((await answer).body.toString()).toBe("whole");
    await disposed;
  });

  test("does not wait for a function that never answers", async () => {
    const begun = Promise.withResolvers<void>();
    const stuck = route("GET /stuck", () => {
      begun.resolve();
      return new Promise(() => {});
    });
    const gateway = await testGateway([stuck]);
    const answer = send(gateway, "/stuck").catch((error: unknown) => error);
    await begun.promise;
    await gateway[Symbol.asyncDispose]();
    expect(await answer).toMatchObject({ code: "ECONNRESET" });
  });
});
