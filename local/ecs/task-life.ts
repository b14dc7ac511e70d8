import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Task } from "./task.ts";
import { startTaskProcess } from "./task-process.ts";
import type { TaskEnd } from "./task-stopped-event.ts";

/** What a task runs: argv, whose first entry is the executable, and ALL of the child's environment. */
export interface TaskCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a task needs of its host. */
export interface TaskHost {
  readonly resolveCommand: () => Promise<TaskCommand>;
  readonly addedEnvironment: Readonly<Record<string, string>>;
  /** Gets one sub-folder per task, which stays after the task's end. */
  readonly workingDirectory: string;
  readonly stopTimeoutSeconds: number;
  readonly onLine: (line: string) => void;
  readonly onStopped: (task: Task, end: TaskEnd) => void;
}

/** A task that has begun. How it ended is in the task; `ended` rejects only with what `onStopped` throws. */
export interface TaskLife {
  readonly task: Task;
  readonly ended: Promise<void>;
  stop(reason: string): void;
}

/** Takes a task from PROVISIONING to STOPPED. */
export function beginTask(task: Task, host: TaskHost): TaskLife {
  const stop = new AbortController();
  return {
    task,
    ended: live(task, host, stop.signal),
    stop(reason) {
      if (task.desiredStatus === "STOPPED") return;
      task.desiredStatus = "STOPPED";
      task.stoppingAt = new Date();
      task.stopCode = "UserInitiated";
      task.stoppedReason = reason;
      if (task.lastStatus === "RUNNING") task.lastStatus = "STOPPING";
      stop.abort(new Error(reason));
    },
  };
}

async function live(task: Task, host: TaskHost, stop: AbortSignal): Promise<void> {
  const outcome = await run(task, host, stop);
  // The first cause wins: a task that was told to stop did not end by itself.
  const { stopCode = outcome.stopCode, stoppedReason = outcome.stoppedReason } = task;
  const end: TaskEnd = { stopCode, stoppedReason, stoppedAt: new Date() };
  Object.assign(task, end, { desiredStatus: "STOPPED", lastStatus: "STOPPED" } satisfies Partial<Task>);
  host.onStopped(task, end);
}

async function run(
  task: Task,
  host: TaskHost,
  stop: AbortSignal,
): Promise<Pick<TaskEnd, "stopCode" | "stoppedReason">> {
  try {
    const { command, environment } = await untilAborted(host.resolveCommand(), stop);
    task.lastStatus = "PENDING";
    const workingDirectory = path.join(host.workingDirectory, task.taskId);
    await mkdir(workingDirectory, { recursive: true, mode: 0o700 });
    const process = await startTaskProcess({
      ...host,
      command,
      environment: { ...environment, ...task.environment, ...host.addedEnvironment },
      workingDirectory,
    });
    if (!stop.aborted) task.lastStatus = "RUNNING";
    task.startedAt = new Date();
    task.exitCode = await process.exitCode(stop);
    return { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" };
  } catch (error) {
    return { stopCode: "TaskFailedToStart", stoppedReason: `CannotStartContainerError: ${String(error)}` };
  }
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
  return Promise.race([work, aborted.promise]);
}
