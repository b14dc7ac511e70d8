import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as elapsed } from "node:timers/promises";

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
  await once(child, "spawn");
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", options.onLine);
  return { exitCode: (stop) => untilExit(child, stop, options.stopTimeoutSeconds) };
}

async function untilExit(child: ChildProcessWithoutNullStreams, stop: AbortSignal, stopTimeoutSeconds: number) {
  const closed = new Promise((resolve) => child.once("close", resolve));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let killTimer: NodeJS.Timeout | undefined;
  const terminate = () => {
    child.kill("SIGTERM");
    killTimer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutSeconds * 1_000);
  };
  if (stop.aborted) terminate();
  else stop.addEventListener("abort", terminate);
  await exited;
  stop.removeEventListener("abort", terminate);
  clearTimeout(killTimer);
  killGroup(child);
  await Promise.race([closed, elapsed(LAST_OUTPUT_MILLISECONDS, undefined, { ref: false })]);
  for (const pipe of child.stdio) pipe?.destroy();
  return child.exitCode ?? 128 + constants.signals[child.signalCode ?? "SIGKILL"];
}

/** A container ends with its first process, and so does what that process left in its group. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody was left.
  }
}
