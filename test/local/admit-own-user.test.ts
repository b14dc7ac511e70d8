import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { admitOwnUser } from "../../local/admit-own-user.ts";

const server = createServer((_request, response) => response.end("welcome"));
let port = 0;

beforeAll(async () => {
  admitOwnUser(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => server.close());

/** A request by a process of this user, or of another one. */
const ask = (uid?: number) =>
  execa("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`], {
    cwd: "/",
    reject: false,
    ...(uid !== undefined && { uid, gid: uid }),
  });

test("A program of the same user is answered", async () => {
  expect((await ask()).stdout).toContain("welcome");
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("welcome");
});

test.runIf(process.getuid?.() === 0)("A program of another user is hung up on", async () => {
  expect((await ask(65_534)).stdout).toBe("");
  expect((await ask()).stdout).toContain("welcome");
});
