import { execFile } from "node:child_process";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { JobEvent } from "../core/job-events.ts";
import { temporaryDirectory } from "./directories.ts";
import {
  floodBytes,
  floodBytesOnTerminal,
  floodCommand,
  isEndOfFlood,
  type WriteTimes,
  writeTimesIn,
} from "./flood-agent.ts";
import { childrenNaming, memoryBytes } from "./processes.ts";
import { compare, limit, megabytes, milliseconds, type Report, type Row, seconds } from "./report.ts";
import { type Service, startService } from "./service.ts";
import { alternate } from "./statistics.ts";

const rounds = 3;
const maxLogBytes = 1_000_000;
const mostMemoryBytes = 200_000_000;
const longestStallMilliseconds = 1_000;
const run = promisify(execFile);

interface Flood {
  readonly writes: WriteTimes;
  readonly milliseconds: number;
}

interface JobFlood extends Flood {
  readonly peakBytes: number;
  readonly isTailRight: boolean;
  readonly isCountRight: boolean;
}

/** An agent that prints 100 MB as fast as it can, in a job that keeps 1 MB of it. */
export async function measureFlood(cleanUp: AsyncDisposableStack): Promise<Report> {
  const service = await startService(cleanUp);
  const directory = await temporaryDirectory(cleanUp);
  const { inJob, recorded } = await alternate(rounds, {
    recorded: () => recordedFlood(directory),
    inJob: () => jobFlood(service),
  });
  const of = "tmux pipe-pane into a file";
  const peakBytes = Math.max(...inJob.map((flood) => flood.peakBytes));
  const longest = Math.max(...inJob.map((flood) => flood.writes.longest));
  const longestRecorded = Math.max(...recorded.map((flood) => flood.writes.longest));
  const speed = (floods: readonly Flood[]) => floods.map((flood) => floodBytes / flood.milliseconds / 1_000);
  const totals = (floods: readonly Flood[]) => floods.map((flood) => flood.writes.total);
  return {
    title: "Flood",
    method:
      `An agent prints ${megabytes(floodBytes)} in lines of 100 bytes, in a job with \`maxLogBytes\` ${maxLogBytes}, and ` +
      "times its own writes of 64 kB each. Baseline: the same program in a bare tmux session whose pane is piped into " +
      `a file. ${rounds} rounds.`,
    rows: [
      limit({
        what: "Longest write of the agent",
        measured: milliseconds(longest),
        baseline: `${milliseconds(longestRecorded)}: ${of}`,
        target: `< ${milliseconds(longestStallMilliseconds)}`,
        met: longest < longestStallMilliseconds,
      }),
      compare("All writes of the agent", seconds, totals(inJob), { values: totals(recorded), of }),
      compare("Throughput, until the output has been taken", megabytesPerSecond, speed(inJob), {
        values: speed(recorded),
        of,
      }),
      limit({
        what: "Peak resident memory of the runner",
        measured: megabytes(peakBytes),
        target: `< ${megabytes(mostMemoryBytes)}`,
        met: peakBytes < mostMemoryBytes,
      }),
      inEachRound(
        "Rounds in which the kept tail was the output's exact end",
        inJob.map((flood) => flood.isTailRight),
      ),
      inEachRound(
        "Rounds in which stored and skipped bytes add up",
        inJob.map((flood) => flood.isCountRight),
      ),
    ],
    tables: [],
    notes: [],
  };
}

const megabytesPerSecond = (value: number) => `${value.toFixed(1)} MB/s`;

function inEachRound(what: string, isRight: readonly boolean[]): Row {
  const right = isRight.filter((one) => one).length;
  return limit({ what, measured: `${right} of ${rounds}`, target: `${rounds}`, met: right === rounds });
}

async function recordedFlood(directory: string): Promise<Flood> {
  const spool = join(directory, "spool");
  const tmux = ["-S", join(directory, "tmux.sock"), "-f", "/dev/null"];
  const beganAt = performance.now();
  // The session stays until the recorder has had everything.
  const session = ["new-session", "-d", "-x", "200", "-y", "50", `${floodCommand}; sleep 600`];
  await run("tmux", [...tmux, ...session, ";", "pipe-pane", "-O", `exec cat >>${spool}`]);
  try {
    for (;;) {
      const writes = writeTimesIn(await endOf(spool));
      if (writes) return { writes, milliseconds: performance.now() - beganAt };
      await delay(10);
    }
  } finally {
    await run("tmux", [...tmux, "kill-server"]);
    await rm(spool, { force: true });
  }
}

async function endOf(path: string): Promise<string> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size === 0) return "";
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, Math.max(0, size - 200));
  return buffer.toString("utf8", 0, bytesRead);
}

async function jobFlood(service: Service): Promise<JobFlood> {
  const job = await service.submit(floodCommand, { maxLogBytes });
  const ended = new AbortController();
  const peak = peakMemory(ended.signal);
  const events = await service.events(job).finally(() => ended.abort());
  const ownEvents = events.filter((event) => event.role === "planner");
  const cut = ownEvents.findIndex((event) => event.type === "output_truncated");
  const [head, tail] = [textOf(ownEvents.slice(0, cut)), textOf(ownEvents.slice(cut))];
  const truncated = ownEvents[cut];
  const skippedBytes = truncated?.type === "output_truncated" ? truncated.data.skippedBytes : Number.NaN;
  const stage = ownEvents.find((event) => event.type === "stage_finished");
  const writes = writeTimesIn(tail);
  if (stage?.type !== "stage_finished" || writes === undefined) throw new Error("The flood has no end.");
  const ownLineBytes = tail.length - tail.lastIndexOf("flooded ");
  return {
    writes,
    milliseconds: stage.data.durationMs,
    peakBytes: await peak,
    isTailRight: isEndOfFlood(tail),
    isCountRight: head.length + skippedBytes + tail.length === floodBytesOnTerminal + ownLineBytes,
  };
}

function textOf(events: readonly JobEvent[]): string {
  return events.map((event) => (event.type === "pane_output" ? event.data.text : "")).join("");
}

/** The kernel's own high-water mark of the one runner there is, as last seen before it was gone. */
async function peakMemory(ended: AbortSignal): Promise<number> {
  let bytes = 0;
  while (!ended.aborted) {
    const [processId] = await childrenNaming("runner/main.mjs");
    if (processId !== undefined) bytes = Math.max(bytes, (await memoryBytes(processId, "VmHWM")) ?? 0);
    await delay(50);
  }
  return bytes;
}
