import type { Task } from "./task.ts";
import { startTaskProcess, type TaskProcess } from "./task-process.ts";
import type { TaskEnd } from "./task-stopped-event.ts";

/** What a task runs: argv, whose first entry is the executable, and ALL of the child's environment. */
export interface TaskCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a task needs of its host. */
export interface TaskHost {
  readonly addedEnvironment: Readonly<Record<string, string>>;
  /** Exists already. */
  readonly workingDirectory: string;
  readonly stopTimeoutSeconds: number;
  /** Keeps the task as it is now for the host's next start. */
  readonly save: (task: Task) => void;
  readonly onLine: (line: string) => void;
  readonly onStopped: (task: Task, end: TaskEnd) => void;
}

/** A task that has begun. How it ended is in the task; `ended` rejects only with what `onStopped` throws. */
export interface TaskLife {
  readonly task: Task;
  readonly ended: Promise<void>;
  stop(reason: string): void;
}

/** What a task's end came to, where nobody had told it to stop. */
export type Outcome = Pick<TaskEnd, "stopCode" | "stoppedReason">;

/** Takes a task from PROVISIONING to STOPPED. */
export function beginTask(task: Task, host: TaskHost, resolveCommand: () => Promise<TaskCommand>): TaskLife {
  return lifeOf(task, host, (stop) => run(task, host, resolveCommand, stop));
}

/** The life of a task over as much of it as `work` takes to its end. */
export function lifeOf(task: Task, host: TaskHost, work: (stop: AbortSignal) => Promise<Outcome>): TaskLife {
  const stop = new AbortController();
  return {
    task,
    ended: work(stop.signal).then((outcome) => tellEnd(task, host, endTask(task, outcome))),
    stop(reason) {
      if (task.desiredStatus === "STOPPED") return;
      task.desiredStatus = "STOPPED";
      task.stoppingAt = new Date();
      task.stopCode = "UserInitiated";
      task.stoppedReason = reason;
      if (task.lastStatus === "RUNNING") task.lastStatus = "STOPPING";
      stop.abort(new Error(reason));
      // After the signal, for at the host's next start it counts as sent.
      saveIfPossible(task, host);
    },
  };
}

export function endTask(task: Task, outcome: Outcome): TaskEnd {
  // The first cause wins: a task that was told to stop did not end by itself.
  const { stopCode = outcome.stopCode, stoppedReason = outcome.stoppedReason } = task;
  const end: TaskEnd = { stopCode, stoppedReason, stoppedAt: new Date() };
  Object.assign(task, end, { desiredStatus: "STOPPED", lastStatus: "STOPPED" } satisfies Partial<Task>);
  return end;
}

/** Saved afterwards: a host that is killed in between tells it again after its next start. */
export function tellEnd(task: Task, host: TaskHost, end: TaskEnd): void {
  host.onStopped(task, end);
  saveIfPossible(task, host);
}

async function run(
  task: Task,
  host: TaskHost,
  resolveCommand: () => Promise<TaskCommand>,
  stop: AbortSignal,
): Promise<Outcome> {
  try {
    const { command, environment } = await untilAborted(resolveCommand(), stop);
    task.lastStatus = "PENDING";
    const process = await startTaskProcess({
      ...host,
      command,
      environment: { ...environment, ...task.environment, ...host.addedEnvironment },
    });
    noteStart(task, host, process);
    task.exitCode = await process.exitCode(stop);
    return { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" };
  } catch (error) {
    return { stopCode: "TaskFailedToStart", stoppedReason: `CannotStartContainerError: ${String(error)}` };
  }
}

function noteStart(task: Task, host: TaskHost, { identity }: TaskProcess): void {
  if (task.desiredStatus === "RUNNING") task.lastStatus = "RUNNING";
  task.startedAt = new Date();
  task.process = identity;
  saveIfPossible(task, host);
}

/** A full disk ends no task; it is only not known after the host's next start how far it had come. */
function saveIfPossible(task: Task, host: TaskHost): void {
  try {
    host.save(task);
  } catch (error) {
    host.onLine(`that the task is ${task.lastStatus} could not be saved: ${error}`);
  }
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
  return Promise.race([work, aborted.promise]);
}
