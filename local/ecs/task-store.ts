import { isDeepStrictEqual } from "node:util";
import { EcsError } from "./ecs-error.ts";
import { lastSegment, type Task } from "./task.ts";
import { beginTask, type TaskHost, type TaskLife } from "./task-life.ts";

/** ECS forgets an ended task after about an hour; here their number is bounded. */
const REMEMBERED_ENDED_TASKS = 1_000;

/** What a clientToken has started. */
interface Launch {
  readonly input: unknown;
  readonly tasks: readonly Task[];
}

/** All tasks that are alive and the last ones that have ended, in the order of their start. */
export class TaskStore {
  readonly #lives = new Map<string, TaskLife>();
  readonly #launches = new Map<string, Launch>();
  #isClosing = false;

  get tasks(): Task[] {
    return [...this.#lives.values()].map(({ task }) => task);
  }

  find(idOrArn: string): Task | undefined {
    return this.#lives.get(lastSegment(idOrArn))?.task;
  }

  start(task: Task, host: TaskHost): void {
    // Not the request's fault: it may be tried again.
    if (this.#isClosing) throw new EcsError("ServerException", "The local stack is shutting down.");
    this.#forgetOldest();
    this.#lives.set(task.taskId, beginTask(task, host));
  }

  stop(task: Task, reason: string): void {
    this.#lives.get(task.taskId)?.stop(reason);
  }

  /** The tasks that this token has started already. The same token with another input is a conflict. */
  launchedBy(clientToken: string | undefined, input: unknown): readonly Task[] | undefined {
    const launch = clientToken === undefined ? undefined : this.#launches.get(clientToken);
    if (launch === undefined || isDeepStrictEqual(launch.input, input)) return launch?.tasks;
    const message = "The clientToken is already in use with a different RunTask request.";
    throw new EcsError("ConflictException", message, { resourceIds: launch.tasks.map(({ taskArn }) => taskArn) });
  }

  rememberLaunch(clientToken: string, launch: Launch): void {
    this.#launches.set(clientToken, launch);
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
    for (const { taskId, clientToken } of ended.slice(0, -REMEMBERED_ENDED_TASKS)) {
      this.#lives.delete(taskId);
      if (clientToken !== undefined) this.#launches.delete(clientToken);
    }
  }
}
