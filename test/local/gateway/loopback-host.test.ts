import { expect, test } from "vitest";
import { echo, route, send, testGateway } from "./test-gateway.ts";

test.each(["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"])(
  "A request to %s is answered.",
  async (host) => {
    await using gateway = await testGateway([route("GET /a", echo)]);
    expect((await send(gateway, "/a", { headers: { host } })).status).toBe(200);
  },
);

test.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "evil.example:127.0.0.1"])(
  "A web page whose own host %s resolves to this machine is refused, and no function runs.",
  async (host) => {
    await using gateway = await testGateway([route("GET /a", () => Promise.reject(new Error("It ran.")))]);
    expect((await send(gateway, "/a", { headers: { host } })).status).toBe(421);
    expect(gateway.failures).toEqual([]);
  },
);
