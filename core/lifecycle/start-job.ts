import { LaunchRefused, NoCapacity } from "../errors.ts";
import type { JobRecord } from "../job.ts";
import { maximumCapacityWaitHours, startSeconds } from "../limits.ts";
import type { JobChanges, JobGuard } from "../ports.ts";
import { type ReasonCode, reasonOf } from "../reasons.ts";
import { finishJob } from "./finish-job.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import { tellLoss } from "./tell-loss.ts";
import { tellWaiting } from "./tell-waiting.ts";

/** Whether a runner is on its way. Without capacity none is, and the job waits. */
export type Launched = "launched" | "no_capacity" | "not_wanted";

/**
 * Begins the first attempt of a queued job, which holds a slot. Whoever loses the race for the row does nothing; a crash
 * after the row leaves a starting job, which reconcile takes up.
 */
export async function startJob(ports: StartPorts, job: JobRecord): Promise<Launched> {
  const guard = { status: ["queued"], attempt: job.attempt } as const;
  const changes = {
    status: "starting",
    attempt: job.attempt + 1,
    startingSince: ports.now().toISOString(),
    waiting: null,
  } as const;
  return launch(ports, job, guard, changes);
}

/** Launches a runner for a starting job that has none. */
export async function launchAgain(ports: StartPorts, job: JobRecord, changes: JobChanges = {}): Promise<Launched> {
  // Whoever took the job back may have got no further: the events of an attempt begin with what became of the one before.
  await tellLoss(ports, job);
  return launch(ports, job, { status: ["starting"], attempt: job.attempt, launches: job.launches }, changes);
}

/**
 * The row first, so that a crash repeats nothing; the hint last, so that there are no more hints than runners: a runner
 * that took the hint of a job without one would leave its own job without.
 */
async function launch(ports: StartPorts, job: JobRecord, guard: JobGuard, changes: JobChanges): Promise<Launched> {
  const startUntil = ports.now().getTime() + startSeconds * 1_000;
  const launching = { ...changes, launches: job.launches + 1, startUntil, live: "active" } as const;
  const starting = await ports.jobs.update(job.jobId, guard, launching);
  if (starting === undefined) return "not_wanted";
  const { jobId, attempt, launches } = starting;
  try {
    await ports.launcher.launch({ jobId, attempt, launch: launches });
    await ports.queue.send({ jobId, attempt });
    return "launched";
  } catch (error) {
    if (error instanceof LaunchRefused) return fail(ports, starting, "runner_never_started", error.message);
    const launched = await becomeDue(ports, starting, error);
    // Whatever else it was has to be looked at, but is no reason to end a job: an outage passes.
    if (!(error instanceof NoCapacity)) throw error;
    return launched;
  }
}

/** To be launched again as soon as that may help. Should a runner have been started all the same, it finds no hint and exits. */
async function becomeDue(ports: StartPorts, job: JobRecord, error: unknown): Promise<Launched> {
  const waitedSince = Date.parse(job.startingSince ?? job.createdAt);
  if (ports.now().getTime() > waitedSince + maximumCapacityWaitHours * 3_600_000) {
    const cause = error instanceof Error ? error.message : String(error);
    return fail(
      ports,
      job,
      "no_capacity",
      `No runner could be started for ${maximumCapacityWaitHours} hours: ${cause}`,
    );
  }
  const guard = { status: ["starting"], attempt: job.attempt, launches: job.launches } as const;
  const waiting = await ports.jobs.update(job.jobId, guard, { startUntil: null, waiting: "capacity", live: "due" });
  if (waiting !== undefined && job.waiting === null) await tellWaiting(ports, waiting);
  return "no_capacity";
}

async function fail(ports: StartPorts, job: JobRecord, code: ReasonCode, message: string): Promise<Launched> {
  await finishJob(ports, job, { status: "failed", reason: reasonOf(code, message) });
  return "not_wanted";
}
