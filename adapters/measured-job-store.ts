import { isTerminal, type JobRecord } from "../core/job.ts";
import type { JobStore } from "../core/ports.ts";
import type { RecordMetrics } from "./metrics.ts";

/**
 * Counts what becomes of jobs, by the writes that make it so: whoever writes, the one write that was taken is the one that
 * counts.
 */
export function measuredJobStore(jobs: JobStore, record: RecordMetrics): JobStore {
  return {
    ...jobs,

    async create(job, spec) {
      await jobs.create(job, spec);
      record({ JobsAccepted: 1 }, aboutOf(job));
    },

    async update(jobId, guard, changes) {
      const job = await jobs.update(jobId, guard, changes);
      if (job === undefined || changes.status === undefined) return job;
      if (isTerminal(changes.status)) record({ JobsEnded: 1 }, { status: job.status, ...aboutOf(job) });
      if (changes.status === "running" && job.startingSince) {
        record({ StartSeconds: (Date.now() - Date.parse(job.startingSince)) / 1_000 }, aboutOf(job));
      }
      if (changes.status === "starting" && guard.status.includes("running")) record({ JobsRequeued: 1 }, aboutOf(job));
      return job;
    },
  };
}

function aboutOf({ jobId, attempt, tenantId }: JobRecord) {
  return { jobId, attempt, tenantId };
}
