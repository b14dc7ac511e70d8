import { NewerSchema } from "../../core/errors.ts";
import type { Clock, JobStore } from "../../core/ports.ts";

/**
 * How many jobs no runner is on its way to, and how long the first of those that may have one has been waiting for it. One
 * that waits for a slot of its tenant waits for its like, however long that takes.
 */
export async function waitingJobs({ jobs, now }: { readonly jobs: JobStore; readonly now: Clock }) {
  const due = await Array.fromAsync(jobs.listLive("due"));
  let queued = 0;
  for await (const tenantId of jobs.listWaitingTenants()) {
    queued += (await Array.fromAsync(jobs.listWaiting(tenantId))).length;
  }
  // As many as there are slots at most. By the row, for the id only tells since when the job is there.
  const rows = await Promise.all(due.map((jobId) => jobs.glance(jobId).catch(unlessNewer)));
  const since = rows.flatMap((job) => (job?.startingSince ? [Date.parse(job.startingSince)] : []));
  const age = now().getTime() - Math.min(now().getTime(), ...since);
  return { JobsWaiting: due.length + queued, QueueAgeSeconds: Math.round(age / 1_000) };
}

function unlessNewer(error: unknown): undefined {
  if (!(error instanceof NewerSchema)) throw error;
}
