import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { vi } from "vitest";
import { haproxyConfiguration, notOnTheInternet } from "../../../infra-cdk/egress-proxy-configuration.ts";
import type { Internet } from "./internet.ts";

/** In these tests the internet is on loopback. */
const forbiddenAddresses = notOnTheInternet.filter((block) => block !== "127.0.0.0/8");

/** HAProxy with the configuration of the egress proxy, on a socket of its own. */
export interface RunningProxy extends AsyncDisposable {
  readonly path: string;
  readonly log: () => string;
}

/** Lets allowed.test, and domain.test with all below it, through to the internet given. */
export async function startProxy({ nameserverPort, serverPort }: Internet): Promise<RunningProxy> {
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
