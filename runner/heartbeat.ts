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
  // The monotonic clock: the wall clock may jump, and a lease that seems fresh then is not.
  let renewedAt = performance.now();

  /** When it is due; one that fails is due again at once. */
  async function renew(): Promise<void> {
    if (performance.now() - renewedAt < heartbeatSeconds * 1_000) return;
    try {
      const leaseUntil = ports.now().getTime() + leaseSeconds * 1_000;
      const beginAt = performance.now();
      const renewed = await ports.jobs.update(job.jobId, claimOf(job), { leaseUntil });
      if (renewed === undefined) stop.stop("superseded");
      renewedAt = beginAt;
    } catch (error) {
      logError("heartbeat failed", error, { jobId: job.jobId });
    }
  }

  /** By itself and not where a renewal fails: one that gets no answer at all may take minutes to fail. */
  async function giveUp(): Promise<void> {
    if (performance.now() - renewedAt > heartbeatGiveUpSeconds * 1_000) stop.stop("lost_contact");
  }

  const loops = Promise.all([
    repeat(ended.signal, renew),
    repeat(ended.signal, giveUp),
    repeat(ended.signal, () => obey(ports.jobs, job, stop)),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      ended.abort();
      await loops;
    },
  };
}

async function repeat(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  while (await elapsed(controlReadSeconds, signal)) await act();
}

async function elapsed(seconds: number, signal: AbortSignal): Promise<boolean> {
  return delay(seconds * 1_000, true, { signal }).catch(() => false);
}

async function obey(jobs: JobStore, job: JobRecord, stop: JobStop): Promise<void> {
  try {
    const current = await jobs.get(job.jobId);
    if (current?.status !== "running" || current.attempt !== job.attempt) return stop.stop("superseded");
    if (current.cancelRequestedAt !== null) stop.stop("cancelled");
  } catch (error) {
    // How long the silence may last is decided by the lease.
    logError("control read failed", error, { jobId: job.jobId });
  }
}

/** The condition of everything that this runner writes: the job is still its own. */
export function claimOf(job: JobRecord) {
  return { status: ["running"], attempt: job.attempt, ...(job.owner === null ? {} : { owner: job.owner }) } as const;
}
