import type { JobRecord } from "../job.ts";
import { leaseSeconds } from "../limits.ts";
import type { Clock, JobHint, JobStore } from "../ports.ts";

/**
 * Takes the job for this owner. Undefined: it is not there to be taken (any more). Exactly one claimer wins, also if the
 * answer that says so is lost on its way: a refused claimer looks whether the owner is itself.
 */
export async function claimJob(
  ports: { jobs: JobStore; now: Clock },
  hint: JobHint,
  claim: { readonly owner: string; readonly maxMinutes: number },
): Promise<JobRecord | undefined> {
  const job = await ports.jobs.get(hint.jobId);
  if (job === undefined || job.attempt !== hint.attempt) return undefined;
  if (job.status === "starting") {
    const now = ports.now();
    const claimed = await ports.jobs.update(
      hint.jobId,
      { status: ["starting"], attempt: hint.attempt, cancelRequested: false },
      {
        ...{ status: "running", owner: claim.owner, leaseUntil: now.getTime() + leaseSeconds * 1_000, live: "active" },
        ...{ waiting: null, lostLaunches: 0, startUntil: null, startedAt: job.startedAt ?? now.toISOString() },
        deadlineAt: new Date(now.getTime() + claim.maxMinutes * 60_000).toISOString(),
      },
    );
    if (claimed !== undefined) return claimed;
  }
  const current = await ports.jobs.get(hint.jobId);
  const isOurs = current?.status === "running" && current.owner === claim.owner && current.attempt === hint.attempt;
  return isOurs ? current : undefined;
}
