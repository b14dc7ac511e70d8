import { type JobRecord, type JobSpec, jobSchema } from "../job.ts";
import { rolesOf, stageGraph } from "../modes.ts";
import type { EventLog, JobStore } from "../ports.ts";

/** The row of a job that has just been accepted. */
export function acceptedJob(jobId: string, tenantId: string, spec: JobSpec, createdAt: string): JobRecord {
  const panes = rolesOf(stageGraph(spec.mode)).map((role) => ({ role, status: "waiting" as const, exitCode: null }));
  return {
    ...{
      schema: jobSchema,
      jobId,
      tenantId,
      status: "queued",
      stage: null,
      waiting: null,
      attempt: 0,
      panes,
      createdAt,
    },
    ...{ launches: 0, lostLaunches: 0, owner: null, leaseUntil: null, startUntil: null, cancelRequestedAt: null },
    ...{ tmuxSession: null, verdict: null, reason: null, startingSince: null, startedAt: null, endedAt: null },
    ...{ deadlineAt: null, lastSeq: null, labels: spec.labels },
  };
}

/**
 * Stores the job. Safe to repeat after a crash at any point: the job's row comes last and is the commit point, and its
 * first event can be stored only once, as the log's first.
 */
export async function acceptJob(
  ports: { jobs: JobStore; events: EventLog },
  record: JobRecord,
  spec: JobSpec,
): Promise<void> {
  const { jobId, createdAt } = record;
  const { provider, mode, repo, ref = null } = spec;
  const queued = {
    seq: 1,
    ts: createdAt,
    type: "job_queued",
    attempt: 0,
    data: { provider, mode, repo, ref },
  } as const;
  await ports.events.put({ jobId, batchId: crypto.randomUUID(), events: [queued] });
  await ports.jobs.create(record, spec);
}
