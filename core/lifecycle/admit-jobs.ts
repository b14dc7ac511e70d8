import { NewerSchema } from "../errors.ts";
import { isTerminal, type JobRecord } from "../job.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import { startJob } from "./start-job.ts";

/** Whoever submits a job waits for the answer: the rest of a backlog is for reconcile to start. */
const olderJobsPerRequest = 2;

/**
 * Gives the tenant's free slots to its waiting jobs, the oldest first. `newest` is a job that does not wait yet: one that
 * was just accepted. Whoever else does the same at the same time, no job gets two slots and no slot two jobs.
 */
export async function admitJobs(ports: StartPorts, tenantId: string, newest?: JobRecord): Promise<void> {
  let older = 0;
  for await (const jobId of ports.jobs.listWaiting(tenantId)) {
    const job = await readable(ports, jobId);
    if (job?.status !== "queued") continue;
    if (newest && ++older > olderJobsPerRequest) return wait(ports, newest);
    if (!(await ports.slots.take(tenantId, jobId, ports.maximumConcurrentJobs))) return newest && wait(ports, newest);
    await startOrRelease(ports, job);
  }
  if (newest === undefined) return;
  const { jobId } = newest;
  if (!(await ports.slots.take(tenantId, jobId, ports.maximumConcurrentJobs))) return wait(ports, newest);
  await startOrRelease(ports, newest);
}

/** A row that only a later version can read is left to that version: it must not hold up the jobs behind it. */
async function readable({ jobs }: StartPorts, jobId: string): Promise<JobRecord | undefined> {
  return jobs.get(jobId).catch((error: unknown) => {
    if (error instanceof NewerSchema) return undefined;
    throw error;
  });
}

/** The job may have ended since it was seen to wait, and its slot been released: then nobody else would release it again. */
async function startOrRelease(ports: StartPorts, job: JobRecord): Promise<void> {
  if ((await startJob(ports, job)) !== "not_wanted") return;
  const current = await ports.jobs.get(job.jobId);
  if (current === undefined || isTerminal(current.status)) await ports.slots.release(job.tenantId, job.jobId);
}

/** The event first: as the log's second, right behind `job_queued`, it is stored once, whoever tells it and how often. */
async function wait(ports: StartPorts, { jobId, tenantId, attempt }: JobRecord): Promise<void> {
  const ts = ports.now().toISOString();
  const event = { seq: 2, ts, type: "job_waiting", attempt, data: { reason: "tenant_limit" } } as const;
  await ports.events.put({ jobId, batchId: crypto.randomUUID(), events: [event] });
  const changes = { waiting: "tenant_limit", live: { waitingTenant: tenantId } } as const;
  await ports.jobs.update(jobId, { status: ["queued"], attempt }, changes);
}
