import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as elapsed } from "node:timers/promises";
import { killGroup, terminateWhen } from "./end-process.ts";
import { identify, type ProcessIdentity } from "./process-identity.ts";

/** How long the output of an ended process is still waited for, where a daemon that it left behind holds it open. */
const LAST_OUTPUT_MILLISECONDS = 1_000;

export interface TaskProcessOptions {
  /** argv, whose first entry is the executable. */
  readonly command: readonly string[];
  /** All that the child gets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stopTimeoutSeconds: number;
  readonly onLine: (line: string) => void;
}

export interface TaskProcess {
  /** Undefined for one that ended before it could be looked at. */
  readonly identity: ProcessIdentity | undefined;
  /** The exit code, 128 + its number for a signal, once the process has ended and its output has been given. */
  exitCode(stop: AbortSignal): Promise<number>;
}

/** Starts a task's process; rejects where the operating system cannot start it. Its stdin ends with the host. */
export async function startTaskProcess(options: TaskProcessOptions): Promise<TaskProcess> {
  const [executable = "", ...parameters] = options.command;
  const child = spawn(executable, parameters, {
    cwd: options.workingDirectory,
    env: options.environment,
    // Its own process group: Ctrl-C in the terminal reaches the host alone, which then stops its tasks in order.
    detached: true,
  });
  const ends = endsOf(child);
  await once(child, "spawn");
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", options.onLine);
  return {
    identity: child.pid === undefined ? undefined : identify(child.pid),
    exitCode: (stop) => untilExit(child, ends, stop, options.stopTimeoutSeconds),
  };
}

interface Ends {
  readonly exited: Promise<unknown>;
  readonly closed: Promise<unknown>;
}

/** Not by `once` of node:events, whose promises would reject unheard where the process cannot be started. */
function endsOf(child: ChildProcessWithoutNullStreams): Ends {
  const closed = new Promise((resolve) => child.once("close", resolve));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  return { exited, closed };
}

async function untilExit(
  child: ChildProcessWithoutNullStreams,
  { exited, closed }: Ends,
  stop: AbortSignal,
  stopTimeoutSeconds: number,
): Promise<number> {
  {
    using _termination = terminateWhen(stop, stopTimeoutSeconds, (signal) => child.kill(signal));
    await exited;
  }
  if (child.pid !== undefined) killGroup(child.pid);
  await Promise.race([closed, elapsed(LAST_OUTPUT_MILLISECONDS, undefined, { ref: false })]);
  for (const pipe of child.stdio) pipe?.destroy();
  return child.exitCode ?? 128 + constants.signals[child.signalCode ?? "SIGKILL"];
}
