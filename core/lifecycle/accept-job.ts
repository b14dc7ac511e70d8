import type { JobRecord, JobSpec } from "../job.ts";
import { rolesOf, stageGraph } from "../modes.ts";
import type { Clock, EventLog, JobStore } from "../ports.ts";
import { appendEvents } from "./append-events.ts";

/** The row of a job that has just been accepted. */
export function acceptedJob(jobId: string, tenantId: string, spec: JobSpec, createdAt: string): JobRecord {
  const panes = rolesOf(stageGraph(spec.mode)).map((role) => ({ role, status: "waiting" as const, exitCode: null }));
  return {
    ...{ jobId, tenantId, status: "queued", stage: null, waiting: null, attempt: 0, panes, createdAt },
    ...{ owner: null, leaseUntil: null, startUntil: null, cancelRequestedAt: null, tmuxSession: null, verdict: null },
    ...{ reason: null, startedAt: null, endedAt: null, deadlineAt: null, lastSeq: null, labels: spec.labels },
  };
}

/**
 * Stores the job and its first event. Safe to repeat after a crash at any point: the row is the commit point, and the
 * first event is written only while the log is empty.
 */
export async function acceptJob(
  ports: { jobs: JobStore; events: EventLog; now: Clock },
  record: JobRecord,
  spec: JobSpec,
): Promise<void> {
  await ports.jobs.create(record, spec);
  const { provider, mode, repo } = spec;
  const writer = { jobId: record.jobId, attempt: 0, tail: await ports.events.tail(record.jobId) };
  if (writer.tail.seq > 0) return;
  const data = { provider, mode, repo, ref: spec.ref ?? null };
  await appendEvents(ports.events, writer, [{ type: "job_queued", ts: ports.now().toISOString(), data }]);
}
