import { Superseded } from "../errors.ts";
import type { JobRecord, JobStatus } from "../job.ts";
import { isTerminal, isVerified, statusesBefore } from "../job.ts";
import type { NewJobEvent } from "../job-events.ts";
import type { JobGuard } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import type { Verdict } from "../verdict.ts";
import type { EventWriter } from "./append-events.ts";
import { appendEvents } from "./append-events.ts";
import type { FinishPorts } from "./lifecycle-ports.ts";
import { tellLoss } from "./tell-loss.ts";

/** How a job ended. */
export interface Ending {
  readonly status: Extract<JobStatus, "succeeded" | "failed" | "cancelled" | "timed_out">;
  readonly reason: Reason | null;
  readonly verdict?: Verdict;
}

/**
 * Ends the job if it is still as `job` says (status, attempt, owner, and what `guard` adds), and settles it. Answers the
 * ended row, or undefined if somebody else changed the job first.
 */
export async function finishJob(
  ports: FinishPorts,
  job: JobRecord,
  ending: Ending,
  options: { readonly guard?: Partial<JobGuard>; readonly writer?: EventWriter } = {},
): Promise<JobRecord | undefined> {
  const guard: JobGuard = {
    status: statusesBefore(ending.status).filter((status) => status === job.status),
    attempt: job.attempt,
    ...(job.owner === null ? {} : { owner: job.owner }),
    ...options.guard,
  };
  const ended = await ports.jobs.update(job.jobId, guard, {
    status: ending.status,
    reason: ending.reason,
    verdict: ending.verdict ?? null,
    endedAt: ports.now().toISOString(),
    waiting: null,
    live: "active",
    panes: job.panes.map((pane) => (pane.status === "running" ? { ...pane, status: "exited" } : pane)),
  });
  if (ended !== undefined) await settleJob(ports, ended, options.writer);
  else await settleIfEnded(ports, job, options.writer);
  return ended;
}

/** The write that ended the job may have been stored although its answer was lost. */
async function settleIfEnded(ports: FinishPorts, { jobId, attempt }: JobRecord, writer?: EventWriter): Promise<void> {
  const current = await ports.jobs.get(jobId);
  if (current?.attempt === attempt) await settleJob(ports, current, writer);
}

/** Does what the end of a job still owes: its last events, its slot, and leaving the live index. Safe to repeat. */
export async function settleJob(ports: FinishPorts, job: JobRecord, writer?: EventWriter): Promise<void> {
  if (!isTerminal(job.status) || job.lastSeq !== null) return;
  // Whoever took the job back from a lost runner may have got no further than its row.
  await tellLoss(ports, job);
  const author = writer ?? { jobId: job.jobId, attempt: job.attempt, tail: undefined };
  try {
    await appendEvents(ports.events, author, lastEvents(job, ports.now().toISOString()));
  } catch (error) {
    // The log is closed already: an earlier settling got this far and no further.
    if (!(error instanceof Superseded)) throw error;
  }
  const { seq } = await ports.events.tail(job.jobId);
  await ports.slots.release(job.tenantId, job.jobId);
  await ports.jobs.update(job.jobId, { status: [job.status], settled: false }, { lastSeq: seq, settled: true });
}

function lastEvents(job: JobRecord, ts: string): NewJobEvent[] {
  const { status, reason } = job;
  const data = { status, verified: isVerified(job), reason, usage: null, costUsd: null };
  const finished: NewJobEvent = { type: "job_finished", ts, data };
  if (reason?.code !== "runner_lost") return [finished];
  return [{ type: "runner_lost", ts, data: { detail: reason.message } }, finished];
}
