import { once } from "node:events";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redirection } from "../../../infra-cdk/egress-proxy-configuration.ts";
import { SynthesizedTemplate } from "../../helpers/synthesized-template.ts";
import { type Internet, startInternet } from "./internet.ts";
import { skippedWithout } from "./programs.ts";
import { type RunningProxy, startProxy } from "./running-proxy.ts";
import { userDataOf } from "./user-data.ts";

const reason = skippedWithout("haproxy", "openssl");

/** Whatever comes back until the other side closes; "" where it refuses. */
async function answerTo(socket: Socket, bytes: Buffer | string): Promise<string> {
  const received: Buffer[] = [];
  socket.on("data", (data) => received.push(data));
  socket.on("error", () => socket.destroy());
  socket.write(bytes);
  await once(socket, "close");
  return Buffer.concat(received).toString("latin1");
}

/** A client's first message for a name that no client would ask for: it is written over another one, as long. */
async function firstMessage(name: string): Promise<Buffer> {
  const servername = name.replaceAll(/[^a-z.]/g, "x");
  await using server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = connect({ port, host: "127.0.0.1", servername }).on("error", () => undefined);
  const [socket]: Socket[] = await once(server, "connection");
  const [message]: Buffer[] = await once(socket ?? client, "data");
  socket?.destroy();
  client.destroy();
  const at = message?.indexOf(servername) ?? -1;
  expect(at).toBeGreaterThan(0);
  message?.write(name, at, "latin1");
  return message ?? Buffer.alloc(0);
}

describe.skipIf(reason !== "")(`HAProxy with the configuration of the egress proxy${reason}`, () => {
  let internet: Internet;
  let proxy: RunningProxy;
  beforeAll(async () => {
    internet = await startInternet();
    proxy = await startProxy(internet);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await internet?.[Symbol.asyncDispose]();
  });

  function dial(servername: string | undefined): TLSSocket {
    const named = servername === undefined ? {} : { servername };
    return connect({ path: proxy.path, ca: internet.certificate, ...named });
  }

  /** What stops it, or undefined. */
  async function refusalOf(socket: TLSSocket): Promise<string | undefined> {
    try {
      await once(socket, "secureConnect");
      return undefined;
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    } finally {
      socket.destroy();
    }
  }

  test("passes TLS through to an allowed name as it is: the client sees the server's own certificate", async () => {
    const socket = dial("allowed.test");
    await once(socket, "secureConnect");

    socket.end("hello, outside");
    const [echo] = await once(socket, "data");

    expect(socket.authorized).toBe(true);
    expect(String(echo)).toBe("hello, outside");
  });

  test.each(["domain.test", "deep.below.domain.test"])("lets %s through by the rule of a domain", async (name) => {
    expect(await refusalOf(dial(name))).toBeUndefined();
  });

  test("does not mind capital letters", async () => {
    const socket = connect({ path: proxy.path, servername: "ALLOWED.test", rejectUnauthorized: false });

    expect(await refusalOf(socket)).toBeUndefined();
  });

  test.each([
    ["other.test", "it is another name"],
    ["below.allowed.test", "it is below a name that is no domain's"],
    ["notdomain.test", "it only ends like an allowed one"],
    ["allowed.test.other.test", "it only begins like an allowed one"],
  ])("refuses %s, as %s, and does not look it up", async (name) => {
    const before = internet.lookedUp.length;

    expect(await refusalOf(dial(name))).toBe("ECONNRESET");
    expect(internet.lookedUp.slice(before)).toEqual([]);
    await expect.poll(proxy.log).toContain(`name="${name}" address=- end=PR`);
  });

  test.each([
    ["private.domain.test", "10.1.2.3"],
    ["metadata.domain.test", "169.254.169.254"],
    ["ipv6.domain.test", "2001:db8::1"],
    ["unknown.domain.test", "-"],
  ])("refuses %s, which has the address %s", async (name, address) => {
    expect(await refusalOf(dial(name))).toBe("ECONNRESET");
    await expect.poll(proxy.log).toContain(`name="${name}" address=${address} end=PR`);
  });

  test("refuses TLS without a name", async () => {
    expect(await refusalOf(dial(undefined))).toBe("ECONNRESET");
  });

  test("refuses what is not TLS", async () => {
    const request = "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n";

    expect(await answerTo(createConnection({ path: proxy.path }), request)).toBe("");
  });

  test.each(["\0", ".", " ", "\n"])("refuses a name with a byte %j in it, and looks up no other one", async (byte) => {
    const before = internet.lookedUp.length;
    const message = await firstMessage(`other.test${byte}.domain.test`);

    expect(await answerTo(createConnection({ path: proxy.path }), message)).toBe("");
    expect(internet.lookedUp.slice(before)).toEqual([]);
  });

  test("is valid as it is deployed: what the machine's boot writes", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "omx-web-boot-"));
    const place = join(folder.path, "egress-proxy");
    const userData = userDataOf(new SynthesizedTemplate({ network: "proxy", region: "eu-west-1" }));
    const [writesFiles = ""] = userData.replaceAll("/etc/egress-proxy", place).split("# The first boot");

    await execa("bash", ["-n"], { input: userData });
    await execa("bash", ["-eu"], { input: writesFiles });

    const { stdout } = await execa("haproxy", ["-c", "-V", "-f", join(place, "haproxy.cfg")]);
    expect(stdout).toContain("Configuration file is valid");
    expect(await readFile(join(place, "redirection.nft"), "utf8")).toBe(redirection(8_443));
  });

  test("says nothing of what it lets through", async () => {
    expect(await refusalOf(dial("allowed.test"))).toBeUndefined();
    expect(await refusalOf(dial("other.test"))).toBe("ECONNRESET");

    await expect.poll(proxy.log).toContain('name="other.test"');
    expect(proxy.log()).not.toContain('name="allowed.test"');
  });
});
