import { Superseded } from "../errors.ts";
import type { JobRecord } from "../job.ts";
import { appendEvents } from "./append-events.ts";
import type { FinishPorts } from "./lifecycle-ports.ts";

/** Says in the job's events what it waits for. Nobody waits for a job that has gone on meanwhile. */
export async function tellWaiting(ports: FinishPorts, job: JobRecord): Promise<void> {
  if (job.waiting === null) return;
  const event = { type: "job_waiting", ts: ports.now().toISOString(), data: { reason: job.waiting } } as const;
  try {
    await appendEvents(ports.events, { jobId: job.jobId, attempt: job.attempt, tail: undefined }, [event]);
  } catch (error) {
    if (!(error instanceof Superseded)) throw error;
  }
}
