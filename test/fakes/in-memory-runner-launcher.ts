import { LaunchRefused } from "../../core/errors.ts";
import type { JobHint, RunnerLauncher } from "../../core/ports.ts";

export interface InMemoryRunnerLauncher extends RunnerLauncher {
  /** Every launch that started a task, in order. */
  readonly launches: readonly JobHint[];
  /** The task that was launched for this attempt. */
  taskOf(hint: JobHint): string;
  /** The tasks that were told to stop, with the reason. */
  readonly stops: readonly { readonly taskId: string; readonly why: string }[];
  /** Ends a task by itself, as a crash does. */
  end(taskId: string): void;
  /** Makes every launch be refused from now on. */
  refuse(message: string): void;
  /** Makes the next call of any kind reject. */
  failOnce(error: Error): void;
}

/** Tasks that exist by name only. */
export function inMemoryRunnerLauncher(): InMemoryRunnerLauncher {
  const launches: JobHint[] = [];
  const stops: { taskId: string; why: string }[] = [];
  const alive = new Map<string, boolean>();
  let refusal: string | undefined;
  let failure: Error | undefined;
  const taskOf = ({ jobId, attempt }: JobHint) => `task/${jobId}-${attempt}`;

  function mayFail(): void {
    const error = failure;
    failure = undefined;
    if (error) throw error;
  }

  return {
    launches,
    stops,
    taskOf,
    end: (taskId) => alive.set(taskId, false),
    refuse(message) {
      refusal = message;
    },
    failOnce(error) {
      failure = error;
    },

    async launch(hint) {
      mayFail();
      if (refusal !== undefined) throw new LaunchRefused(refusal);
      if (alive.has(taskOf(hint))) return;
      alive.set(taskOf(hint), true);
      launches.push(hint);
    },

    async isLaunched(hint) {
      mayFail();
      return alive.get(taskOf(hint)) ?? false;
    },

    async state(taskId) {
      mayFail();
      const isAlive = alive.get(taskId);
      if (isAlive === undefined) return "unknown";
      return isAlive ? "alive" : "stopped";
    },

    async stop(taskId, why) {
      mayFail();
      if (!alive.get(taskId)) return;
      alive.set(taskId, false);
      stops.push({ taskId, why });
    },
  };
}
