import { isAlive, type ProcessIdentity } from "./process-identity.ts";
import type { Task } from "./task.ts";
import type { TaskFiles } from "./task-files.ts";

/** ECS forgets an ended task after about an hour. */
const REMEMBERED_MILLISECONDS = 3_600_000;

/** A task that an earlier host has begun. */
export interface EarlierTask {
  readonly task: Task;
  /** Only while it lives. */
  readonly process: ProcessIdentity | undefined;
}

/** In the order of their start. Those that ended long ago are forgotten. */
export function earlierTasks(files: TaskFiles): EarlierTask[] {
  const { forgotten = [], remembered = [] } = Object.groupBy(files.read(), (task) =>
    endedLongAgo(task) ? "forgotten" : "remembered",
  );
  for (const { taskId } of forgotten) files.remove(taskId);
  return remembered.map((task) => ({ task, process: livingProcess(task) }));
}

function endedLongAgo({ stoppedAt }: Task): boolean {
  return stoppedAt !== undefined && Date.now() - stoppedAt.getTime() > REMEMBERED_MILLISECONDS;
}

function livingProcess({ process, lastStatus }: Task): ProcessIdentity | undefined {
  if (process === undefined || lastStatus === "STOPPED") return undefined;
  return isAlive(process) ? process : undefined;
}
