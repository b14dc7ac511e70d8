import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { Job } from "../core/job.ts";
import { followEvents } from "../local/demo/follow-events.ts";
import { temporaryDirectory } from "./directories.ts";
import { requestsPerSecond } from "./load.ts";
import { memoryBytes } from "./processes.ts";
import { compare, limit, megabytes, milliseconds, type Report, type Row, seconds } from "./report.ts";
import { alternate, median } from "./statistics.ts";

const main = fileURLToPath(new URL("../local/main.ts", import.meta.url));
const reporter = fileURLToPath(new URL("heap-reporter.ts", import.meta.url));
const rounds = 10;
const mostStartMilliseconds = 1_000;
const mostMemoryBytes = 150_000_000;
const reads = { first: 20_000, all: 100_000 };
/** Less than this is the measurement's own noise: pages that the allocator keeps, compiled code, one more connection. */
const heapNoiseBytes = 2_000_000;
const memoryNoiseBytes = 10_000_000;

const bareServer = `
require("node:http").createServer((request, response) => response.end("{}")).listen(process.env.PORT, "127.0.0.1");
`;

/** The embedded stack: how soon it answers, what it takes, and whether it grows with use. */
export async function measureStart(cleanUp: AsyncDisposableStack): Promise<Report> {
  const workRoot = await temporaryDirectory(cleanUp);
  const environment = {
    ...{ PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" },
    ...{ WORK_ROOT: workRoot, JOB_SKIP_GIT_CLONE: "1" },
  };
  const { bare, stack } = await alternate(rounds, {
    bare: () => start(["-e", bareServer], environment),
    stack: () => start([main, "--ephemeral"], environment),
  });
  const { before, after, tookMilliseconds } = await useAfterReads(cleanUp, environment);
  const times = (starts: readonly Start[]) => starts.map((one) => one.milliseconds);
  const ready = median(stack.map((one) => one.memoryBytes));
  const readyBare = median(bare.map((one) => one.memoryBytes));
  return {
    title: "Embedded stack",
    method:
      "`node local/main.ts --ephemeral`, which is `npm start` without npm, from its start to the first 200 of `/healthz`, " +
      `${rounds} rounds in turns with a bare \`node -e\` HTTP server. Then ${reads.all.toLocaleString("en")} reads of an ` +
      "ended job's events page; the heap is what is left after a collection.",
    rows: [
      {
        ...compare("Start to first answer", milliseconds, times(stack), {
          values: times(bare),
          of: "bare HTTP server",
        }),
        target: `≤ ${milliseconds(mostStartMilliseconds)}`,
        met: median(times(stack)) <= mostStartMilliseconds,
      },
      limit({
        what: "Resident memory once ready",
        measured: megabytes(ready),
        baseline: `${megabytes(readyBare)}: bare HTTP server`,
        target: `≤ ${megabytes(mostMemoryBytes)}`,
        met: ready <= mostMemoryBytes,
      }),
      growth("Heap", before.heapBytes, after.heapBytes, heapNoiseBytes),
      growth("Resident memory", before.memoryBytes, after.memoryBytes, memoryNoiseBytes),
    ],
    tables: [],
    notes: [`The reads took ${seconds(tookMilliseconds)}.`],
  };
}

function growth(what: string, before: number, after: number, noise: number): Row {
  const show = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;
  return limit({
    what: `${what} after ${reads.all.toLocaleString("en")} reads`,
    measured: show(after),
    baseline: `${show(before)}: after ${reads.first.toLocaleString("en")} reads`,
    target: `no growth (< ${megabytes(noise)})`,
    met: after - before < noise,
  });
}

interface Start {
  readonly milliseconds: number;
  readonly memoryBytes: number;
}

/** Starts the program until it answers on a free port; its memory is that of a quiet second later. */
async function start(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Start> {
  const PORT = String(await freePort());
  const env = { ...environment, PORT };
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  try {
    await untilHealthy(`http://127.0.0.1:${PORT}`);
    const took = performance.now() - beganAt;
    await delay(1_000);
    return { milliseconds: took, memoryBytes: await residentBytes(child) };
  } finally {
    await end(child);
  }
}

async function useAfterReads(cleanUp: AsyncDisposableStack, environment: Readonly<Record<string, string>>) {
  const PORT = String(await freePort());
  const execArgv = ["--expose-gc", "--import", reporter];
  const stack = fork(main, ["--ephemeral"], { env: { ...environment, PORT }, execArgv, silent: true });
  cleanUp.defer(() => end(stack));
  const url = `http://127.0.0.1:${PORT}`;
  await untilHealthy(url);
  const events = `${url}/v1/jobs/${await endedJob(url)}/events?limit=5`;
  const read = (requests: number) => requestsPerSecond({ url: events, connections: 8, extent: { requests } });
  const beganAt = performance.now();
  await read(reads.first);
  const before = await useOf(stack);
  await read(reads.all - reads.first);
  return { before, after: await useOf(stack), tookMilliseconds: performance.now() - beganAt };
}

async function useOf(stack: ChildProcess): Promise<{ heapBytes: number; memoryBytes: number }> {
  stack.send("heap");
  const [heapBytes] = await once(stack, "message");
  return { heapBytes: z.number().parse(heapBytes), memoryBytes: await residentBytes(stack) };
}

async function residentBytes(child: ChildProcess): Promise<number> {
  const bytes = child.pid && (await memoryBytes(child.pid, "VmRSS"));
  if (!bytes) throw new Error("The process is gone.");
  return bytes;
}

/** A job with the usual events, which has ended: from then on nothing but the reads happens. */
async function endedJob(url: string): Promise<string> {
  const agentCommands = { planner: "seq 1 100", executor: "seq 1 100", verifier: "seq 1 100" };
  const options = { keepTmuxSession: false, agentCommands };
  const response = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ provider: "custom", mode: "team", repo: "octocat/Hello-World", task: "Be read.", options }),
  });
  const job = Job.parse(await response.json());
  for await (const event of followEvents(`${url}${job.links.events}`)) if (event.type === "job_finished") break;
  return job.jobId;
}

async function untilHealthy(url: string): Promise<void> {
  for (;;) {
    const status = await fetch(`${url}/healthz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await delay(2);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill();
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
