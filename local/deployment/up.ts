import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile } from "node:fs/promises";
import { setTimeout as elapsed } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { parseEnvironment } from "../../adapters/environment.ts";
import { isAlive } from "../ecs/process-identity.ts";
import { installTools } from "../install-tools.ts";
import { checkRunnerSettings } from "../runner-settings.ts";
import { readSettings } from "../settings.ts";
import { CannotGoOn, runCommand } from "./cannot-go-on.ts";
import { files, folder } from "./folder.ts";
import { installMiniStack } from "./install-ministack.ts";
import { type Running, running } from "./records.ts";
import { stopWhatRuns } from "./stop-what-runs.ts";

/** `npm run local:up`: MiniStack in the background, and what runs its tasks. Returns once it answers. */

const LOOK_EVERY_MILLISECONDS = 50;
const START_SECONDS = 120;

const Environment = z.object({
  MINISTACK_PORT: z
    .string()
    .refine((text) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535, "must be a port, such as 4566")
    .default("4566"),
});

const tell = (line: string) => void process.stdout.write(`${line}\n`);

await runCommand(up);

async function up(): Promise<void> {
  const { MINISTACK_PORT } = parseEnvironment(Environment);
  const known = await running.read();
  if (known && isAlive(known.host) && isAlive(known.ministack)) {
    tell(
      `MiniStack runs already on ${known.endpoint}. npm run local:deploy deploys to it, npm run local:down stops it.`,
    );
    return;
  }
  // What a host left that was killed would hold the port.
  await stopWhatRuns();
  installTools();
  await checkRunnerSettings(readSettings([]));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const python = await installMiniStack(tell);
  const { endpoint } = await startHost(MINISTACK_PORT, python);
  tell(`MiniStack answers on ${endpoint}, to programs of this user alone; its log is ${files.log}.
It is no AWS: it isolates nothing, enforces no permissions, and forgets everything when it is stopped. The runners are
processes on this machine, and so are the agents' commands: give it only tasks you trust.
Next: npm run local:deploy`);
}

async function startHost(port: string, python: string): Promise<Running> {
  const log = await open(files.log, "w", 0o600);
  const host = fileURLToPath(new URL("host.ts", import.meta.url));
  const child = spawn(process.execPath, [host, port, python], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  const ended = once(child, "exit").then(() => "ended" as const);
  const late = AbortSignal.timeout(START_SECONDS * 1_000);
  while (!late.aborted) {
    const started = await running.read();
    if (started && started.host.processId === child.pid) {
      child.unref();
      return started;
    }
    if ((await Promise.race([ended, elapsed(LOOK_EVERY_MILLISECONDS)])) === "ended") break;
  }
  child.kill("SIGTERM");
  await ended;
  const said = (await readFile(files.log, "utf8")).trim().split("\n").slice(-5).join("\n");
  throw new CannotGoOn(`MiniStack could not be started. See to what ${files.log} says, then try again:\n${said}`);
}
