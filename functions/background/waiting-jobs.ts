import { decodeTime } from "ulid";
import { NewerSchema } from "../../core/errors.ts";
import type { Clock, JobStore } from "../../core/ports.ts";

/** How many jobs no runner is on its way to, and how long the oldest that never had one has been waiting. */
export async function waitingJobs({ jobs, now }: { readonly jobs: JobStore; readonly now: Clock }) {
  const due = await Array.fromAsync(jobs.listLive("due"));
  const queued: string[] = [];
  for await (const tenantId of jobs.listWaitingTenants()) {
    queued.push(...(await Array.fromAsync(jobs.listWaiting(tenantId))));
  }
  const since = [...queued, ...(await oldestFirstAttempt(jobs, due))].map((jobId) => decodeTime(jobId));
  const age = now().getTime() - Math.min(now().getTime(), ...since);
  return { JobsWaiting: due.length + queued.length, QueueAgeSeconds: Math.round(age / 1_000) };
}

/** At most one. A job that has lost its runner is due as well, and its id is as old as its first attempt. */
async function oldestFirstAttempt(jobs: JobStore, due: readonly string[]): Promise<string[]> {
  for (const jobId of due.toSorted()) {
    const job = await jobs.glance(jobId).catch(unlessNewer);
    if (job?.attempt === 1) return [jobId];
  }
  return [];
}

function unlessNewer(error: unknown): undefined {
  if (!(error instanceof NewerSchema)) throw error;
}
