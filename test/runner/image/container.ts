import { spawnSync } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bundleRunner } from "../../../local/runner-bundle.ts";
import { dockerfile } from "./dockerfile.ts";

/**
 * The image without a container engine: what runner/Dockerfile puts over its base, by the scripts that it runs itself, laid
 * over IMAGE_BASE (the root folder of a Debian that `npm run image:check` makes), or else over this machine's own system.
 */
const base = process.env.IMAGE_BASE ?? "/";
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The base image's. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What Docker grants a container, and Fargate with it. Source: Docker's documentation, "Runtime privilege". */
const capabilities =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap";
const confined = ["setpriv", `--bounding-set=-all,+${capabilities.replaceAll(",", ",+")}`, "--inh-caps=-all"];

/** The Dockerfile's last steps, but for the node of this machine in the place of the base image's. */
const setup = `set -eu
cp -R /mnt/omx /opt/omx
cp /mnt/image/attach /mnt/image/attach.conf /opt/omx
touch /usr/local/bin/node
mount --bind /mnt/node /usr/local/bin/node
WORK_ROOT=${dockerfile.environment.WORK_ROOT} /mnt/image/lay-out.sh`;

/** Why no container can be made here; undefined where one can. Throws instead where the image itself is to be checked. */
export function whyNoContainer(): string | undefined {
  const reason = process.getuid?.() === 0 ? whyNoMount() : "only root can make a container";
  if (reason === undefined || process.env.IMAGE_BASE === undefined) return reason;
  throw new Error(`The image cannot be checked: ${reason}.`);
}

function whyNoMount(): string | undefined {
  const { status } = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "try", "/mnt"]);
  return status === 0 ? undefined : "this machine lets nobody mount";
}

interface Ended {
  readonly exitCode: number | undefined;
  /** What it wrote to standard output and standard error. */
  readonly output: string;
}

export interface Container extends AsyncDisposable {
  /** What its first process and the children of that have written so far. */
  log(): string;
  /** As ECS Exec does it: as root, with the container's environment. */
  exec(...command: readonly string[]): Promise<Ended>;
  /** As `exec`, on a terminal of the container's own. */
  onTerminal(command: string): Terminal;
}

/** Typed: a moment to look at what a key has done. */
export const pause = "\u2026";

export interface Terminal {
  /** All that was written to the terminal so far. */
  output(): string;
  /** Key by key, as a person does. A text that begins with ESC is one key. */
  type(...keys: readonly string[]): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Starts the image's entry point with the environment that the image and the caller give it. */
export async function startContainer(given: Readonly<Record<string, string>>): Promise<Container> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "omx-container-"));
  cleanUp.defer(() => rm(folder, { recursive: true }));
  const layers = join(folder, "layers");
  const files = join(folder, "files");
  await Promise.all([mkdir(layers), makeFiles(files)]);
  const variables = { PATH: path, ...dockerfile.environment, ...given };
  const inIt = [...confined, "env", "-i", ...Object.entries(variables).map((entry) => entry.join("="))];

  const enter = [here("enter-container.sh"), base, layers, files, setup, ...inIt, ...(await entryPoint())];
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child"];
  const running = execa("unshare", [...namespaces, ...enter], { stdin: "ignore", all: true, reject: false });
  cleanUp.defer(async () => {
    running.kill("SIGKILL");
    await running;
  });
  const log = collect(running.all);
  const target = await firstProcess(running.pid ?? 0).catch(async (error: unknown) => {
    throw new Error(`The container did not start: ${log()}`, { cause: error });
  });

  const nsenter = ["--target", target, "--mount", "--pid", "--root", "--wd"];
  const start = (command: readonly string[]) => {
    const options = { all: true, reject: false, stdin: "pipe", extendEnv: false, env: { PATH: path } } as const;
    const process = execa("nsenter", [...nsenter, ...inIt, ...command], options);
    const ended = process.then(({ exitCode, all }): Ended => ({ exitCode, output: all }));
    return { process, ended };
  };
  const owned = cleanUp.move();
  return {
    log,
    exec: (...command) => start(command).ended,
    onTerminal(command) {
      const line = `stty cols 120 rows 40; exec ${command}`;
      const { process, ended } = start(["script", "-qefc", line, "/dev/null"]);
      return { output: collect(process.all), type: (...keys) => type(process.stdin, keys), ended };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the setup finds at /mnt: the image's scripts, the bundle, and node. */
async function makeFiles(folder: string): Promise<void> {
  await mkdir(folder);
  await bundleRunner(join(folder, "omx"));
  const copy = (from: string, to: string) => execa("cp", ["-RL", "--reflink=auto", from, join(folder, to)]);
  await Promise.all([copy(here("../../../runner/image"), "image"), copy(process.execPath, "node")]);
}

/** A machine has no tini, most of the time; its runner is then the container's first process itself. */
async function entryPoint(): Promise<readonly string[]> {
  const [init = "", ...arguments_] = dockerfile.entryPoint;
  const hasInit = await access(join(base, init)).then(
    () => true,
    () => false,
  );
  return hasInit ? dockerfile.entryPoint : arguments_.slice(arguments_.indexOf("--") + 1);
}

/** Its id out here, once it has become the entry point. */
async function firstProcess(unshare: number): Promise<string> {
  const giveUpAt = performance.now() + 30_000;
  while (performance.now() < giveUpAt) {
    const children = await readFile(`/proc/${unshare}/task/${unshare}/children`, "utf8");
    const [first] = children.trim().split(" ");
    if (first && /\/(?:tini|node)$/.test(await readlink(`/proc/${first}/exe`).catch(() => ""))) return first;
    await sleep(10);
  }
  throw new Error("Its first process is not there.");
}

function collect(stream: NodeJS.ReadableStream | undefined): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

async function type(stdin: NodeJS.WritableStream, keys: readonly string[]): Promise<void> {
  for (const key of keys.flatMap((text) => (text.startsWith("\u001b") ? [text] : [...text]))) {
    if (key !== pause) stdin.write(key);
    await sleep(key === pause ? 150 : 2);
  }
}
