import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { killIfThere, processesAt, type SeenProcess } from "./own-folder.ts";

/** A stack as `npm start` makes it: a process of its own, which may be killed and started again on the same data. */
export interface StackProcess {
  readonly url: string;
  readonly workRoot: string;
  readonly dataDirectory: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when it has ended, with its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  runners(): Promise<Runner[]>;
  /** Whatever has to do with it, itself included. */
  processes(): Promise<SeenProcess[]>;
}

/** A runner that lives. */
export interface Runner {
  readonly processId: number;
  /** Of its ECS task. */
  readonly taskId: string;
}

const main = fileURLToPath(new URL("../../local/main.ts", import.meta.url));

/** All its files are in `root`, its log in `root/stack.log`. Not started yet; ended with `cleanUp`. */
export async function stackProcess(
  root: string,
  cleanUp: AsyncDisposableStack,
  environment: Readonly<Record<string, string>>,
): Promise<StackProcess> {
  const PORT = String(await freePort());
  const [dataDirectory, workRoot, logFile] = [join(root, "data"), join(root, "work"), join(root, "stack.log")];
  const surroundings = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" };
  const env = { ...surroundings, PORT, DATA_DIR: dataDirectory, WORK_ROOT: workRoot, ...environment };
  const url = `http://127.0.0.1:${PORT}`;
  let child: ChildProcess | undefined;
  let isOver = false;
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return null;
    const exited = ending.exitCode === null && ending.signalCode === null ? once(ending, "exit") : undefined;
    ending.kill(signal);
    await exited;
    return ending.exitCode;
  };
  cleanUp.defer(async () => {
    isOver = true;
    await end("SIGKILL");
  });
  return {
    ...{ url, workRoot, dataDirectory, end },
    async start() {
      if (isOver) throw new Error("The run is over.");
      await using log = await open(logFile, "a");
      // Its own group: a Ctrl-C in the terminal is for the run, which then ends everything in order.
      const args = ["--max-semi-space-size=4", main];
      child = spawn(process.execPath, args, { env, detached: true, stdio: ["ignore", log.fd, log.fd] });
      if (!(await answers(child, url))) throw new Error(`The stack ended:\n${await tail(logFile)}`);
    },
    processes: () => processesAt(root),
    runners: () => runnersAt(root, join(dataDirectory, "runner", "runner", "main.mjs")),
  };
}

async function answers(child: ChildProcess, url: string): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const response = await fetch(`${url}/healthz`).catch(() => undefined);
    if (response?.ok) return true;
    await delay(10);
  }
  return false;
}

async function tail(file: string): Promise<string> {
  return (await readFile(file, "utf8")).slice(-2_000);
}

async function runnersAt(root: string, bundle: string): Promise<Runner[]> {
  const ours = (await processesAt(root)).filter(({ commandLine }) => commandLine[1] === bundle);
  const ids = new Set(ours.map(({ processId }) => processId));
  // A runner's child has its command line until it becomes another program.
  const runners = ours.filter(({ parentId }) => !ids.has(parentId));
  return runners.map(({ processId, environment }) => {
    const metadata = environment.find((entry) => entry.startsWith("ECS_CONTAINER_METADATA_URI_V4="));
    return { processId, taskId: metadata?.slice(metadata.lastIndexOf("/") + 1) ?? "" };
  });
}

export function killAll(runners: readonly Runner[], signal: NodeJS.Signals): void {
  for (const { processId } of runners) killIfThere(processId, signal);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
