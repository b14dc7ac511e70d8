import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { haproxyConfiguration, redirection } from "../../../infra-cdk/egress-proxy-configuration.ts";
import { skippedWithout } from "./programs.ts";

const listenPort = 8_443;
/** Of documentation: nobody has it. */
const anyAddress = "198.51.100.7";
const nameOf = (role: string) => `omx-${role}-${process.pid}`;
const [runner, proxy, beyond] = [nameOf("runner"), nameOf("proxy"), nameOf("beyond")];

function whyNot(): string {
  const without = skippedWithout("haproxy", "openssl", "nft", "ip");
  if (without !== "") return without;
  const made = spawnSync("ip", ["netns", "add", runner]).status === 0;
  spawnSync("ip", ["netns", "delete", runner]);
  return made ? "" : " (skipped: no network of its own can be made here)";
}
const reason = whyNot();

const within = (namespace: string, ...command: string[]) => ["netns", "exec", namespace, ...command];

/** A runner whose way out leads to the proxy's machine, which forwards nothing; and another machine, beyond the proxy's. */
const networks = [
  ...[runner, proxy, beyond].map((name) => ["netns", "add", name]),
  ["-n", runner, "link", "add", "out", "type", "veth", "peer", "name", "in", "netns", proxy],
  ["-n", runner, "address", "add", "10.77.0.2/24", "dev", "out"],
  ["-n", proxy, "address", "add", "10.77.0.1/24", "dev", "in"],
  ...[runner, proxy].map((name) => ["-n", name, "link", "set", "lo", "up"]),
  ["-n", runner, "link", "set", "out", "up"],
  ["-n", proxy, "link", "set", "in", "up"],
  ["-n", runner, "route", "add", "default", "via", "10.77.0.1"],
  ["-n", beyond, "link", "add", "back", "type", "veth", "peer", "name", "forth", "netns", proxy],
  ["-n", beyond, "address", "add", "10.88.0.2/24", "dev", "back"],
  ["-n", proxy, "address", "add", "10.88.0.1/24", "dev", "forth"],
  ["-n", beyond, "link", "set", "back", "up"],
  ["-n", proxy, "link", "set", "forth", "up"],
  ["-n", beyond, "route", "add", "default", "via", "10.88.0.1"],
  within(proxy, "sysctl", "--write", "net.ipv4.ip_forward=0"),
];

const Outside = z.object({ nameserverPort: z.number(), serverPort: z.number(), certificate: z.string() });
const outside = `
const { startInternet } = await import(process.argv[1]);
const { nameserverPort, serverPort, certificate } = await startInternet();
console.log(JSON.stringify({ nameserverPort, serverPort, certificate }));`;

describe.skipIf(reason !== "")(`A runner behind the egress proxy${reason}`, () => {
  const stop: (() => Promise<unknown>)[] = [];
  let folder = "";

  /** Until the end of the suite. */
  function start(namespace: string, ...command: string[]) {
    const started = execa("ip", within(namespace, ...command), { reject: false });
    stop.unshift(() => {
      started.kill();
      return started;
    });
    return started;
  }

  beforeAll(async () => {
    const made = await mkdtempDisposable(join(tmpdir(), "omx-web-redirection-"));
    folder = made.path;
    stop.push(() => made.remove());
    for (const namespace of [runner, proxy, beyond]) stop.unshift(() => execa("ip", ["netns", "delete", namespace]));
    for (const line of networks) await execa("ip", line);
    const file = fileURLToPath(new URL("internet.ts", import.meta.url));
    const internet = start(proxy, process.execPath, "--input-type=module", "--eval", outside, file);
    const [told] = await once(internet.stdout, "data");
    const { nameserverPort, serverPort, certificate } = Outside.parse(JSON.parse(String(told)));
    const configuration = haproxyConfiguration({
      ...{ listen: `:${listenPort}`, nameserver: `127.0.0.1:${nameserverPort}`, hosts: ["allowed.test"] },
      ...{ forbiddenAddresses: ["10.0.0.0/8"], upstreamPort: serverPort },
    });
    await writeFile(join(folder, "ca.pem"), certificate);
    await writeFile(join(folder, "haproxy.cfg"), configuration);
    await writeFile(join(folder, "redirection.nft"), redirection(listenPort));
    // As with each restart of the service: twice is once.
    for (const _ of [1, 2]) await execa("ip", within(proxy, "nft", "--file", join(folder, "redirection.nft")));
    start(proxy, "haproxy", "-db", "-f", join(folder, "haproxy.cfg"));
    await vi.waitUntil(() => reaches("allowed.test"), { timeout: 10_000 });
  });
  afterAll(async () => {
    for (const step of stop) await step();
  });

  /** Whether a TLS client that knows of no proxy gets to the server that has the name's certificate. */
  async function reaches(name: string): Promise<boolean> {
    const client = ["openssl", "s_client", "-connect", `${anyAddress}:443`, "-servername", name];
    const strictly = ["-CAfile", join(folder, "ca.pem"), "-verify_return_error", "-verify_hostname", name];
    const { exitCode } = await execa("ip", within(runner, ...client, ...strictly), { input: "", reject: false });
    return exitCode === 0;
  }

  test("gets to an allowed name, whatever address it has dialled, and needs no settings for it", async () => {
    expect(await reaches("allowed.test")).toBe(true);
  });

  test("does not get to another name", async () => {
    expect(await reaches("domain.test")).toBe(false);
  });

  test("finds no way past it", async () => {
    const listen = 'require("node:net").createServer((socket) => socket.end()).listen(80, () => console.log("up"))';
    await once(start(beyond, process.execPath, "--eval", listen).stdout, "data");
    const dial = 'require("node:net").connect(80, "10.88.0.2", () => process.exit(0))';
    const gets = async (from: string) => {
      const { exitCode } = await execa("ip", within(from, process.execPath, "--eval", dial), {
        ...{ reject: false, timeout: 2_000 },
      });
      return exitCode === 0;
    };

    expect(await gets(proxy)).toBe(true);
    expect(await gets(runner)).toBe(false);
  });
});
