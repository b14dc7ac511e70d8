import { setImmediate as nextTurn } from "node:timers/promises";
import { untilGone } from "./adopted-process.ts";
import type { EarlierTask } from "./earlier-tasks.ts";
import type { Task } from "./task.ts";
import { endTask, lifeOf, type Outcome, type TaskHost, type TaskLife, tellEnd } from "./task-life.ts";

/** Goes on with a task of an earlier host: a living one is adopted, and of one that has ended unseen the end is told. */
export function resumeTask({ task, process }: EarlierTask, host: TaskHost): TaskLife {
  if (task.lastStatus === "STOPPED") return { task, ended: Promise.resolve(), stop() {} };
  if (process === undefined) return endedUnseen(task, host);
  const { stopTimeoutSeconds } = host;
  const options = { stopTimeoutSeconds, stoppingSince: task.stoppingAt };
  return lifeOf(task, host, (stop) => untilGone(process, stop, options).then(() => exitedAdopted));
}

function endedUnseen(task: Task, host: TaskHost): TaskLife {
  const end = endTask(task, task.startedAt === undefined ? neverStarted : exitedUnseen);
  // Whoever starts the host has it before it is told anything.
  const ended = nextTurn().then(() => tellEnd(task, host, end));
  return { task, ended, stop() {} };
}

const neverStarted: Outcome = {
  stopCode: "TaskFailedToStart",
  stoppedReason: "CannotStartContainerError: the local ECS ended before the task had started",
};

const exitedUnseen: Outcome = {
  stopCode: "EssentialContainerExited",
  stoppedReason: "Essential container in task exited while the local ECS was not running",
};

const exitedAdopted: Outcome = {
  stopCode: "EssentialContainerExited",
  stoppedReason:
    "Essential container in task exited; with which code is unknown, for the local ECS was restarted while it ran",
};
