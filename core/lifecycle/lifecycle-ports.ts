import type { Clock, EventLog, JobQueue, JobStore, RunnerLauncher, TenantSlots } from "../ports.ts";

/** What it takes to end a job: a runner and a cancel have no more. */
export interface FinishPorts {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
  readonly now: Clock;
}

/** What it takes to start one. */
export interface StartPorts extends FinishPorts {
  readonly queue: JobQueue;
  readonly launcher: RunnerLauncher;
  /** Of one tenant. */
  readonly maximumConcurrentJobs: number;
  /** Runners that wait for jobs to come; none, unless it is said. */
  readonly warmRunners?: number;
}
