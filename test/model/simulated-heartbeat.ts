import type { JobRecord } from "../../core/job.ts";
import { controlReadSeconds, heartbeatGiveUpSeconds, heartbeatSeconds, leaseSeconds } from "../../core/limits.ts";
import type { Clock, JobStore } from "../../core/ports.ts";
import { claimOf } from "../../runner/heartbeat.ts";
import { Outage } from "./faults.ts";
import type { RunnerProcess } from "./runner-process.ts";

/** The three loops of runner/heartbeat.ts; they end with the process. */
export function startHeartbeat(
  ports: { readonly jobs: JobStore; readonly now: Clock },
  job: JobRecord,
  process: RunnerProcess,
): void {
  const { scheduler, actor } = process;
  const monotonic = () => scheduler.now;
  let renewedAt = monotonic() - (ports.now().getTime() + leaseSeconds * 1_000 - (job.leaseUntil ?? 0));

  async function renew(): Promise<void> {
    const leaseUntil = ports.now().getTime() + leaseSeconds * 1_000;
    const beginAt = monotonic();
    const renewed = await ports.jobs.update(job.jobId, claimOf(job), { leaseUntil });
    if (renewed === undefined) process.stop("superseded");
    renewedAt = beginAt;
  }

  async function obey(): Promise<void> {
    const seen = await ports.jobs.glance(job.jobId);
    const current = isOurs(seen, job) ? seen : await ports.jobs.get(job.jobId);
    if (!isOurs(current, job)) return process.stop("superseded");
    if (current?.cancelRequestedAt) process.stop("cancelled");
  }

  /** Looks each few seconds, as the real one, but is awake only when there is something to see. */
  function watch(): void {
    const left = renewedAt + heartbeatGiveUpSeconds * 1_000 - monotonic();
    if (left < 0) process.stop("lost_contact");
    else scheduler.after(actor, left + scheduler.random.between(1, controlReadSeconds * 1_000), watch);
  }

  /** Sooner than it is due it does nothing, so it sleeps until then; of the looks it takes some. */
  const untilDue = () => Math.max(renewedAt + heartbeatSeconds * 1_000 - monotonic(), 0) + controlReadSeconds * 1_000;
  void repeat(process, untilDue, renew);
  void repeat(process, () => scheduler.random.between(1, 6) * controlReadSeconds * 1_000, obey);
  watch();
}

async function repeat(process: RunnerProcess, pause: () => number, act: () => Promise<void>): Promise<void> {
  while (!process.isAbandoned) {
    await process.sleep(pause());
    await act().catch((error: unknown) => {
      if (!(error instanceof Outage)) throw error;
    });
  }
}

function isOurs(seen: JobRecord | undefined, job: JobRecord): boolean {
  return seen?.status === "running" && seen.attempt === job.attempt && seen.owner === job.owner;
}
