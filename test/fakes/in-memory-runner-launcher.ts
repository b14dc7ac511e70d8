import { LaunchRefused, NoCapacity } from "../../core/errors.ts";
import type { Clock, JobHint, Launch, RunnerLauncher } from "../../core/ports.ts";

export interface InMemoryRunnerLauncher extends RunnerLauncher {
  /** Every launch that started a task, in order. */
  readonly launches: readonly Launch[];
  /** The names of the warm runners that were launched, in order. */
  readonly warm: readonly string[];
  /** The task that was launched last for this attempt. */
  taskOf(hint: JobHint): string;
  /** The tasks that were told to stop, with the reason. */
  readonly stops: readonly { readonly taskId: string; readonly why: string }[];
  /** Ends a task by itself, as a crash does. */
  end(taskId: string, why?: string): void;
  /** Makes every launch be refused from now on. */
  refuse(message: string): void;
  /** From now on, no more tasks than this live at once. */
  hasRoomFor(tasks: number): void;
  /** Makes the next call of any kind reject. */
  failOnce(error: Error): void;
}

interface Task {
  readonly launchedAt: Date;
  isAlive: boolean;
  /** Since it is alive no more. */
  why?: string;
}

/** Tasks that exist by name only. */
export function inMemoryRunnerLauncher(now: Clock = () => new Date()): InMemoryRunnerLauncher {
  const launches: Launch[] = [];
  const warm: string[] = [];
  const stops: { taskId: string; why: string }[] = [];
  const tasks = new Map<string, Task>();
  let room = Number.POSITIVE_INFINITY;
  let refusal: string | undefined;
  let failure: Error | undefined;
  const nameOf = ({ jobId, launch }: Launch) => `task/${jobId}-${launch}`;
  const alive = () => [...tasks].flatMap(([taskId, { isAlive }]) => (isAlive ? [taskId] : []));

  function mayFail(): void {
    const error = failure;
    failure = undefined;
    if (error) throw error;
  }

  /** Whether it is a new one. */
  function start(taskId: string): boolean {
    mayFail();
    if (refusal !== undefined) throw new LaunchRefused(refusal);
    if (tasks.has(taskId)) return false;
    if (alive().length >= room) throw new NoCapacity("RESOURCE:CPU");
    tasks.set(taskId, { launchedAt: now(), isAlive: true });
    return true;
  }

  return {
    launches,
    warm,
    stops,
    taskOf(hint) {
      const isOfIt = ({ jobId, attempt }: Launch) => jobId === hint.jobId && attempt === hint.attempt;
      const launch = launches.findLast(isOfIt);
      if (launch === undefined) throw new Error(`No task was launched for ${hint.jobId}-${hint.attempt}.`);
      return nameOf(launch);
    },
    end(taskId, why = "Essential container in task exited") {
      const task = tasks.get(taskId);
      if (task) Object.assign(task, { isAlive: false, why });
    },
    refuse(message) {
      refusal = message;
    },
    hasRoomFor(count) {
      room = count;
    },
    failOnce(error) {
      failure = error;
    },

    async launch(launch) {
      if (start(nameOf(launch))) launches.push(launch);
    },

    async launchWarm(name) {
      const isNew = start(`task/${name}`);
      if (isNew) warm.push(name);
      return isNew;
    },

    async listAlive() {
      mayFail();
      return alive();
    },

    async describe(taskIds) {
      mayFail();
      return taskIds.flatMap((taskId) => {
        const task = tasks.get(taskId);
        return task ? [{ taskId, isAlive: task.isAlive, launchedAt: task.launchedAt }] : [];
      });
    },

    async endOf({ jobId, launch }) {
      mayFail();
      const taskId = `task/${jobId}-${launch}`;
      const why = tasks.get(taskId)?.why;
      return why === undefined ? undefined : { taskId, why };
    },

    async stop(taskId, why) {
      mayFail();
      const task = tasks.get(taskId);
      if (!task?.isAlive) return;
      Object.assign(task, { isAlive: false, why });
      stops.push({ taskId, why });
    },
  };
}
