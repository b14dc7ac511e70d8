import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { haproxyConfiguration, notOnTheInternet } from "../../../infra-cdk/egress-proxy-configuration.ts";
import { type Internet, startInternet } from "./internet.ts";
import { skippedWithout } from "./programs.ts";

const reason = skippedWithout("haproxy", "openssl");

/** In these tests the internet is on loopback. */
const forbiddenAddresses = notOnTheInternet.filter((block) => block !== "127.0.0.0/8");

interface Proxy extends AsyncDisposable {
  readonly path: string;
  readonly log: () => string;
}

async function startProxy({ nameserverPort, serverPort }: Internet): Promise<Proxy> {
  const folder = await mkdtempDisposable(join(tmpdir(), "omx-web-egress-"));
  const [path, file] = [join(folder.path, "proxy"), join(folder.path, "haproxy.cfg")];
  const configuration = haproxyConfiguration({
    listen: `unix@${path}`,
    nameserver: `127.0.0.1:${nameserverPort}`,
    hosts: ["allowed.test", ".domain.test"],
    forbiddenAddresses,
    upstreamPort: serverPort,
  });
  await writeFile(file, configuration);
  const haproxy = execa("haproxy", ["-db", "-f", file], { all: true, reject: false });
  let log = "";
  haproxy.all.on("data", (text) => {
    log += text;
  });
  await vi.waitUntil(() => reaches(path), { timeout: 10_000 });
  return {
    path,
    log: () => log,
    async [Symbol.asyncDispose]() {
      haproxy.kill();
      await haproxy;
      await folder.remove();
    },
  };
}

async function reaches(path: string): Promise<boolean> {
  const socket = createConnection({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

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
  let proxy: Proxy;
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

  test("says nothing of what it lets through", async () => {
    expect(await refusalOf(dial("allowed.test"))).toBeUndefined();
    expect(await refusalOf(dial("other.test"))).toBe("ECONNRESET");

    await expect.poll(proxy.log).toContain('name="other.test"');
    expect(proxy.log()).not.toContain('name="allowed.test"');
  });
});
