import { logInfo } from "../../adapters/log.ts";
import { AttachUnavailable, Superseded } from "../../core/errors.ts";
import { isTerminal, type JobRecord } from "../../core/job.ts";
import { appendEvents } from "../../core/lifecycle/append-events.ts";
import type { AttachGate, AttachGrant, Clock, EventLog, JobStore } from "../../core/ports.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { ownRecord } from "../own-job.ts";
import { ProblemError } from "../problem-error.ts";
import { attachPorts } from "../wiring.ts";

interface AttachPorts {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly gate: AttachGate;
  readonly now: Clock;
}

export function attachJob(ports: AttachPorts): Answer<"attachJob"> {
  return async ({ tenantId, params: { jobId }, body: { write }, requestId }) => {
    const job = await ownRecord(ports.jobs, tenantId, jobId);
    const grant = await open(ports.gate, job, write);
    const { sessionId } = grant;
    // Before the answer: without a record of it nobody gets in.
    await record(ports, job, { write, sessionId, requestId });
    logInfo("attach granted", { jobId, attempt: job.attempt, tenantId, write, sessionId, requestId });
    return { body: grant };
  };
}

/** The task in which the job's session is. */
function runnerOf({ status, owner, tmuxSession }: JobRecord): string {
  if (isTerminal(status)) {
    throw new ProblemError(
      "already_ended",
      `The job has ended as ${status}. Its events hold what its panes have shown.`,
    );
  }
  if (status === "running" && owner !== null && tmuxSession !== null) return owner;
  const detail = `The job is ${status} and has no session yet. Try again after its event tmux_session_started.`;
  throw new ProblemError("no_session", detail, { retryAfterSeconds });
}

const retryAfterSeconds = 5;

async function open(gate: AttachGate, job: JobRecord, write: boolean): Promise<AttachGrant> {
  const taskId = runnerOf(job);
  try {
    return await gate.open(taskId, { write });
  } catch (error) {
    if (!(error instanceof AttachUnavailable)) throw error;
    const detail =
      `${error.message} If the job has just started, try again; or attach by yourself, where you may: the event ` +
      "tmux_session_started has the command " +
      `(GET /v1/jobs/${job.jobId}/events?types=tmux_session_started).`;
    throw new ProblemError("attach_unavailable", detail, { retryAfterSeconds });
  }
}

/** In the job's own history, where its tenant sees it. */
async function record(
  { events, now }: AttachPorts,
  { jobId, attempt }: JobRecord,
  data: { readonly write: boolean; readonly sessionId: string; readonly requestId: string },
): Promise<void> {
  const granted = { type: "attach_granted", ts: now().toISOString(), data } as const;
  await appendEvents(events, { jobId, attempt, tail: undefined }, [granted]).catch((error: unknown) => {
    if (!(error instanceof Superseded)) throw error;
    throw new ProblemError("no_session", `${error.message} Look at the job, and try again if it runs.`);
  });
}

export const handler = lambdaFor("attachJob", () => attachJob(attachPorts()));
