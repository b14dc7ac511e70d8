import { LaunchRefused, NoCapacity } from "../../core/errors.ts";
import type { Launch, LaunchName, RunnerEnd, RunnerLauncher } from "../../core/ports.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

/** ECS gives a container this long after SIGTERM. */
const stopTimeoutMilliseconds = 30_000;
/** A listing may lag by this much. */
const listingLagMilliseconds = 10_000;

export interface Task {
  readonly taskId: string;
  readonly launch: Launch;
  readonly launchedAt: number;
  /** It never boots, and lives until it is stopped. */
  readonly isStuck: boolean;
  stoppedAt: number | undefined;
  /** Undefined until its runner has begun. */
  runner: Actor | undefined;
  readonly sigterm: AbortController;
}

/** A cluster with little room, whose tasks begin when they are told to, and which forgets what has stopped. */
export class SimulatedCluster {
  readonly tasks: Task[] = [];
  room: number;
  /** Refuses launches for good. */
  isRefusing = false;
  readonly #scheduler: Scheduler;
  readonly #tokens = new Map<string, Task>();

  constructor(scheduler: Scheduler, room: number) {
    this.#scheduler = scheduler;
    this.room = room;
  }

  get alive(): Task[] {
    return this.tasks.filter(({ stoppedAt }) => stoppedAt === undefined);
  }

  portOf(actor: Actor): RunnerLauncher {
    const call = <Answer>(label: string, perform: () => Promise<Answer>) => this.#scheduler.call(actor, label, perform);
    return {
      launch: (launch) =>
        call(`launch ${launch.jobId} (${launch.attempt}) #${launch.launch}`, async () => this.#launch(launch)),
      // Warm runners are not modelled: none are wanted.
      launchWarm: () => Promise.reject(new Error("No warm runners are wanted here.")),
      listAlive: () => call("listAlive", async () => this.#listAlive()),
      describe: (taskIds) => call(`describe ${taskIds}`, async () => this.#describe(taskIds)),
      endOf: (launch) => call(`endOf ${launch.jobId} #${launch.launch}`, async () => this.#endOf(launch)),
      stop: (taskId) => call(`stop ${taskId}`, async () => this.stop(taskId)),
    };
  }

  /** The task's processes are gone at once. */
  kill(task: Task): void {
    if (task.stoppedAt !== undefined) return;
    task.stoppedAt = this.#scheduler.now;
    if (task.runner && !task.runner.isDead) this.#scheduler.kill(task.runner);
  }

  /** SIGTERM, and after a while SIGKILL. */
  stop(taskId: string): void {
    const task = this.alive.find((other) => other.taskId === taskId);
    if (task === undefined || task.sigterm.signal.aborted) return;
    task.sigterm.abort();
    if (task.runner === undefined) this.kill(task);
    else this.#scheduler.after(task.runner, stopTimeoutMilliseconds, () => this.kill(task));
  }

  #launch(launch: Launch): void {
    if (this.isRefusing) throw new LaunchRefused("The task definition does not exist.");
    const token = `${launch.jobId}-${launch.launch}`;
    if (this.#tokens.has(token)) return;
    if (this.alive.length >= this.room) throw new NoCapacity("RESOURCE:CPU");
    const { random, faultProbability } = this.#scheduler;
    const task: Task = {
      ...{ taskId: `task-${token}`, launch, launchedAt: this.#scheduler.now },
      isStuck: faultProbability > 0 && random.isTrue(0.05),
      ...{ stoppedAt: undefined, runner: undefined, sigterm: new AbortController() },
    };
    this.#tokens.set(token, task);
    this.tasks.push(task);
  }

  #listAlive(): string[] {
    const { random, now, faultProbability } = this.#scheduler;
    const lags = (since: number | undefined) =>
      since !== undefined && faultProbability > 0 && now - since < listingLagMilliseconds && random.isTrue(0.5);
    const listed = this.tasks.filter(({ launchedAt, stoppedAt }) =>
      stoppedAt === undefined ? !lags(launchedAt) : lags(stoppedAt),
    );
    return listed.map(({ taskId }) => taskId);
  }

  #endOf({ jobId, launch }: LaunchName): RunnerEnd | undefined {
    const task = this.#tokens.get(`${jobId}-${launch}`);
    return task?.stoppedAt === undefined
      ? undefined
      : { taskId: task.taskId, why: "Essential container in task exited" };
  }

  #describe(taskIds: readonly string[]) {
    const { random, faultProbability } = this.#scheduler;
    return this.tasks
      .filter(({ taskId }) => taskIds.includes(taskId))
      .filter(({ stoppedAt }) => stoppedAt === undefined || faultProbability === 0 || random.isTrue(0.7))
      .map(({ taskId, stoppedAt, launchedAt }) => ({
        ...{ taskId, isAlive: stoppedAt === undefined, launchedAt: new Date(launchedAt) },
      }));
  }
}

/** What the event of the task's end says it was launched for. */
export function launchOf({ launch: { jobId, launch } }: Task): LaunchName {
  return { jobId, launch };
}
