import { setTimeout as delay } from "node:timers/promises";
import type { JobRecord } from "../core/job.ts";
import { controlReadSeconds, heartbeatGiveUpSeconds, heartbeatSeconds, leaseSeconds } from "../core/limits.ts";
import type { Clock, JobStore } from "../core/ports.ts";
import type { JobStop } from "./job-stop.ts";
import { logError } from "./log.ts";

/**
 * Keeps the claim on the job and looks for a cancel, until disposed of. Stops the job when it was cancelled, when it is
 * somebody else's, and when the store has not answered for so long that somebody else may soon take it.
 */
export function startHeartbeat(ports: { jobs: JobStore; now: Clock }, job: JobRecord, stop: JobStop): AsyncDisposable {
  const ended = new AbortController();
  const loops = Promise.all([
    repeat(heartbeatSeconds, ended.signal, renewer(ports, job, stop)),
    repeat(controlReadSeconds, ended.signal, () => obey(ports.jobs, job, stop)),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      ended.abort();
      await loops;
    },
  };
}

async function repeat(everySeconds: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  while (await elapsed(everySeconds, signal)) await act();
}

async function elapsed(seconds: number, signal: AbortSignal): Promise<boolean> {
  return delay(seconds * 1_000, true, { signal }).catch(() => false);
}

function renewer({ jobs, now }: { jobs: JobStore; now: Clock }, job: JobRecord, stop: JobStop): () => Promise<void> {
  // The monotonic clock: the wall clock may jump, and a lease that seems fresh then is not.
  let renewedAt = performance.now();
  return async () => {
    try {
      const leaseUntil = now().getTime() + leaseSeconds * 1_000;
      const beginAt = performance.now();
      const renewed = await jobs.update(job.jobId, claimOf(job), { leaseUntil });
      if (renewed === undefined) stop.stop("superseded");
      renewedAt = beginAt;
    } catch (error) {
      logError("heartbeat failed", error, { jobId: job.jobId });
      if (performance.now() - renewedAt > heartbeatGiveUpSeconds * 1_000) stop.stop("lost_contact");
    }
  };
}

async function obey(jobs: JobStore, job: JobRecord, stop: JobStop): Promise<void> {
  try {
    const current = await jobs.get(job.jobId);
    if (current?.status !== "running" || current.attempt !== job.attempt) return stop.stop("superseded");
    if (current.cancelRequestedAt !== null) stop.stop("cancelled");
  } catch (error) {
    // The heartbeat decides when the silence has lasted too long.
    logError("control read failed", error, { jobId: job.jobId });
  }
}

/** The condition of everything that this runner writes: the job is still its own. */
export function claimOf(job: JobRecord) {
  return { status: ["running"], attempt: job.attempt, ...(job.owner === null ? {} : { owner: job.owner }) } as const;
}
