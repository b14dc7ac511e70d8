import { setTimeout as delay } from "node:timers/promises";
import { logError } from "../adapters/log.ts";
import type { JobRecord } from "../core/job.ts";
import { controlReadSeconds, heartbeatGiveUpSeconds, heartbeatSeconds, leaseSeconds } from "../core/limits.ts";
import type { Clock, JobStore } from "../core/ports.ts";
import type { JobStop } from "./job-stop.ts";

/**
 * Keeps the claim on the job and looks for a cancel, until disposed of. Stops the job when it was cancelled, when it is
 * somebody else's, and when the store has not answered for so long that somebody else may soon take it.
 */
export function startHeartbeat(ports: { jobs: JobStore; now: Clock }, job: JobRecord, stop: JobStop): AsyncDisposable {
  const ended = new AbortController();
  // The lease counts from before the claim was stored: however long that took, it has used up some of it.
  const leaseAgeMilliseconds = ports.now().getTime() + leaseSeconds * 1_000 - (job.leaseUntil ?? 0);
  // From here on the monotonic clock: the wall clock may jump, and a lease that seems fresh then is not.
  let renewedAt = performance.now() - leaseAgeMilliseconds;

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
  function giveUp(): void {
    if (performance.now() - renewedAt > heartbeatGiveUpSeconds * 1_000) stop.stop("lost_contact");
  }

  giveUp();
  const loops = Promise.all([
    repeat(ended.signal, renew),
    repeat(ended.signal, async () => giveUp()),
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
    const seen = await jobs.glance(job.jobId);
    // A glance may be older than the claim: only a sure look may end the job.
    const current = isOurs(seen, job) ? seen : await jobs.get(job.jobId);
    if (!isOurs(current, job)) return stop.stop("superseded");
    if (current?.cancelRequestedAt) stop.stop("cancelled");
  } catch (error) {
    // How long the silence may last is decided by the lease.
    logError("control read failed", error, { jobId: job.jobId });
  }
}

function isOurs(seen: JobRecord | undefined, job: JobRecord): boolean {
  return seen?.status === "running" && seen.attempt === job.attempt && seen.owner === job.owner;
}

/** The condition of everything that this runner writes: the job is still its own. */
export function claimOf(job: JobRecord) {
  return { status: ["running"], attempt: job.attempt, ...(job.owner === null ? {} : { owner: job.owner }) } as const;
}
