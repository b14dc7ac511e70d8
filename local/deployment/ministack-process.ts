import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as elapsed } from "node:timers/promises";
import { killGroup } from "../ecs/end-process.ts";
import { identify, type ProcessIdentity } from "../ecs/process-identity.ts";
import { CannotGoOn } from "./cannot-go-on.ts";
import { files } from "./folder.ts";

const LOOK_EVERY_MILLISECONDS = 100;
const STOP_SECONDS = 10;

export interface MiniStackOptions {
  readonly python: string;
  /** Private to this user: its files, and the socket on which it answers. */
  readonly folder: string;
  /** Where its users find it, and its functions too. */
  readonly endpoint: string;
  /** Where its functions find ECS instead of at its own. */
  readonly ecsEndpoint: string;
  readonly path: string;
}

export interface MiniStack extends AsyncDisposable {
  readonly socketPath: string;
  readonly identity: ProcessIdentity;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
}

/**
 * Starts MiniStack and waits until it answers. It listens on a socket in a private folder and on no port: it asks for no
 * credentials, and would run the code of everybody who reaches it as this user. All that it has is in memory and in
 * `folder`. Throws `CannotGoOn`.
 */
export async function startMiniStack(options: MiniStackOptions): Promise<MiniStack> {
  const socketPath = join(options.folder, "socket");
  const temporary = join(options.folder, "tmp");
  await mkdir(temporary, { recursive: true });
  // The functions lie below, started by a file that is CommonJS: without this, the project's own package.json would count.
  await writeFile(join(options.folder, "package.json"), '{"type":"commonjs"}');
  const args = [
    "-m",
    "hypercorn",
    "ministack.app:app",
    "--workers",
    "0",
    "--bind",
    `unix:${socketPath}`,
    "--keep-alive",
    "75",
  ];
  // A group of its own, which is ended as a whole: its functions run in processes that it starts.
  const child = spawn(options.python, args, {
    cwd: options.folder,
    env: environment(options, temporary),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const log = createWriteStream(files.log, { flags: "a" });
  for (const output of [child.stdout, child.stderr]) output.pipe(log, { end: false });
  const ended = once(child, "exit");
  await once(child, "spawn");
  const { pid } = child;
  const identity = pid === undefined ? undefined : identify(pid);
  if (identity === undefined || !(await answers(socketPath, ended)))
    throw new CannotGoOn(`MiniStack did not start; ${files.log} says why.`);
  return {
    socketPath,
    identity,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.race([ended, elapsed(STOP_SECONDS * 1_000, undefined, { ref: false })]);
      killGroup(identity.processId);
      await ended;
      log.end();
    },
  };
}

/** All that it gets: it takes settings of many names from its environment, and hands all of it on to the functions. */
function environment({ endpoint, ecsEndpoint, folder, path }: MiniStackOptions, temporary: string) {
  return {
    // The functions run on this Node, whatever their runtime says.
    PATH: [dirname(process.execPath), path].join(delimiter),
    HOME: folder,
    TMPDIR: temporary,
    STATE_DIR: join(folder, "state"),
    S3_DATA_DIR: join(folder, "s3"),
    // In the addresses that it makes up, those of queues above all.
    MINISTACK_HOST: "127.0.0.1",
    GATEWAY_PORT: new URL(endpoint).port,
    LAMBDA_EXECUTOR: "local",
    // It would start containers and remove some.
    DOCKER_HOST: `unix://${join(folder, "no-docker")}`,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_ECS: ecsEndpoint,
  };
}

async function answers(socketPath: string, ended: Promise<unknown>): Promise<boolean> {
  const gone = ended.then(() => "gone" as const);
  for (;;) {
    if (await isHealthy(socketPath)) return true;
    if ((await Promise.race([gone, elapsed(LOOK_EVERY_MILLISECONDS)])) === "gone") return false;
  }
}

function isHealthy(socketPath: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  request({ socketPath, path: "/_ministack/health" }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  })
    .once("error", () => resolve(false))
    .end();
  return promise;
}
