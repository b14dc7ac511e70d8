import type { JobRecord } from "../job.ts";
import { maximumAttempts } from "../limits.ts";
import type { JobGuard } from "../ports.ts";
import { reasonOf } from "../reasons.ts";
import { cancelled } from "./cancel-job.ts";
import { finishJob } from "./finish-job.ts";
import type { FinishPorts } from "./lifecycle-ports.ts";
import { tellLoss } from "./tell-loss.ts";

/**
 * Takes a running job back from a runner that is lost: it is due to be started again, as the next attempt. One that was
 * to be cancelled, or has had its attempts, ends instead. The caller has made sure that the runner works no more. Answers
 * the row after it, or undefined if the job had moved on.
 */
export async function requeueJob(
  ports: FinishPorts,
  job: JobRecord,
  why: string,
  guard: Partial<JobGuard> = {},
): Promise<JobRecord | undefined> {
  if (job.cancelRequestedAt !== null) return finishJob(ports, job, cancelled(why), { guard });
  if (job.attempt >= maximumAttempts) {
    const message = `${why} It was attempt ${job.attempt} of ${maximumAttempts}.`;
    return finishJob(ports, job, { status: "failed", reason: reasonOf("runner_lost", message) }, { guard });
  }
  const requeued = await ports.jobs.update(
    job.jobId,
    {
      status: ["running"],
      attempt: job.attempt,
      ...(job.owner !== null && { owner: job.owner }),
      cancelRequested: false,
      ...guard,
    },
    {
      ...{ status: "starting", attempt: job.attempt + 1, startUntil: null, live: "due" },
      startingSince: ports.now().toISOString(),
      ...{ owner: null, leaseUntil: null, deadlineAt: null, stage: null, tmuxSession: null },
      panes: job.panes.map(({ role }) => ({ role, status: "waiting", exitCode: null })),
    },
  );
  if (requeued !== undefined) await tellLoss(ports, requeued, why);
  return requeued;
}
