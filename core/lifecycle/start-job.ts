import { LaunchRefused } from "../errors.ts";
import { type JobRecord, statusesBefore } from "../job.ts";
import { startSeconds } from "../limits.ts";
import type { Clock, EventLog, JobQueue, JobStore, RunnerLauncher } from "../ports.ts";
import { reasonOf } from "../reasons.ts";
import { finishJob } from "./finish-job.ts";

export interface StartPorts {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly queue: JobQueue;
  readonly launcher: RunnerLauncher;
  readonly now: Clock;
}

/**
 * Begins the next attempt of a job that nobody works on: moves it to `starting`, says so on the queue and launches a
 * runner. Whoever loses the race for the row does nothing; a crash after the row leaves a starting job, which reconcile
 * takes up.
 */
export async function startJob(ports: StartPorts, job: JobRecord): Promise<void> {
  const starting = await ports.jobs.update(
    job.jobId,
    { status: statusesBefore("starting"), attempt: job.attempt },
    {
      status: "starting",
      attempt: job.attempt + 1,
      startUntil: ports.now().getTime() + startSeconds * 1_000,
      waiting: null,
    },
  );
  if (starting === undefined) return;
  const hint = { jobId: job.jobId, attempt: starting.attempt };
  try {
    await ports.queue.send(hint);
    await ports.launcher.launch(hint);
  } catch (error) {
    if (!(error instanceof LaunchRefused)) throw error;
    await finishJob(ports, starting, { status: "failed", reason: reasonOf("runner_never_started", error.message) });
  }
}
