import type { JobRecord, JobSpec } from "../core/job.ts";
import type { JobStore } from "../core/ports.ts";
import { jobNotFound } from "./problem-error.ts";

/** The tenant's own job's row. Another tenant's job does not exist for this one. */
export async function ownRecord(jobs: JobStore, tenantId: string, jobId: string): Promise<JobRecord> {
  const record = await jobs.get(jobId);
  if (record?.tenantId !== tenantId) throw jobNotFound(jobId);
  return record;
}

export async function ownJob(
  jobs: JobStore,
  tenantId: string,
  jobId: string,
): Promise<{ record: JobRecord; spec: JobSpec }> {
  const [record, spec] = await Promise.all([ownRecord(jobs, tenantId, jobId), jobs.getSpec(jobId)]);
  if (spec === undefined) throw jobNotFound(jobId);
  return { record, spec };
}
