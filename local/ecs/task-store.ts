import { isDeepStrictEqual } from "node:util";
import type { EarlierTask } from "./earlier-tasks.ts";
import { EcsError } from "./ecs-error.ts";
import { resumeTask } from "./resume-task.ts";
import { lastSegment, type Task } from "./task.ts";
import type { TaskFiles } from "./task-files.ts";
import { beginTask, type TaskCommand, type TaskHost, type TaskLife } from "./task-life.ts";

/** ECS forgets an ended task after about an hour; here their number is bounded. */
const REMEMBERED_ENDED_TASKS = 1_000;

/** All tasks that are alive and the last ones that have ended, in the order of their start. */
export class TaskStore {
  readonly #lives = new Map<string, TaskLife>();
  readonly #files: TaskFiles;
  readonly #hostFor: (task: Task) => TaskHost;
  #isClosing = false;

  constructor(files: TaskFiles, hostFor: (task: Task) => TaskHost) {
    this.#files = files;
    this.#hostFor = hostFor;
  }

  get tasks(): Task[] {
    return [...this.#lives.values()].map(({ task }) => task);
  }

  find(idOrArn: string): Task | undefined {
    return this.#lives.get(lastSegment(idOrArn))?.task;
  }

  start(task: Task, resolveCommand: () => Promise<TaskCommand>): void {
    // Not the request's fault: it may be tried again.
    if (this.#isClosing) throw new EcsError("ServerException", "The local stack is shutting down.");
    this.#forgetOldest();
    // Before anything is started: no process goes unknown, and no task that was answered is forgotten.
    this.#files.save(task);
    this.#lives.set(task.taskId, beginTask(task, this.#hostFor(task), resolveCommand));
  }

  resume(earlier: EarlierTask): void {
    this.#lives.set(earlier.task.taskId, resumeTask(earlier, this.#hostFor(earlier.task)));
  }

  stop(task: Task, reason: string): void {
    this.#lives.get(task.taskId)?.stop(reason);
  }

  /** The tasks that this token has started already. The same token with another input is a conflict. */
  launchedBy(clientToken: string | undefined, input: unknown): readonly Task[] | undefined {
    const launched = this.tasks.filter((task) => task.clientToken !== undefined && task.clientToken === clientToken);
    // A token that has started nothing stays free, so that the same request can be tried again.
    if (launched.length === 0) return undefined;
    if (launched.every((task) => isDeepStrictEqual(task.input, input))) return launched;
    const message = "The clientToken is already in use with a different RunTask request.";
    throw new EcsError("ConflictException", message, { resourceIds: launched.map(({ taskArn }) => taskArn) });
  }

  /** Stops every task and waits until all have ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const lives = [...this.#lives.values()];
    for (const life of lives) life.stop("The local stack is shutting down.");
    await Promise.all(lives.map(({ ended }) => ended));
  }

  #forgetOldest(): void {
    const ended = this.tasks.filter(({ lastStatus }) => lastStatus === "STOPPED");
    for (const { taskId } of ended.slice(0, -REMEMBERED_ENDED_TASKS)) {
      this.#lives.delete(taskId);
      this.#files.remove(taskId);
    }
  }
}
