import type { JobRecord } from "../job.ts";
import { isTerminal } from "../job.ts";
import { deadlineGraceSeconds, launchSettleSeconds, maximumAttempts, startSeconds } from "../limits.ts";
import { reasonOf } from "../reasons.ts";
import { cancelled } from "./cancel-job.ts";
import { type Ending, finishJob, settleJob } from "./finish-job.ts";
import { type StartPorts, startJob } from "./start-job.ts";

/**
 * Makes every job that is not settled go on: starts what is still queued, ends what has lost its runner, settles what
 * has ended. Each step is conditional, so two of these may run at once. A job that fails to go on keeps no other from it:
 * the errors of all are thrown at the end, as an `AggregateError`.
 */
export async function reconcileJobs(ports: StartPorts): Promise<void> {
  const errors: unknown[] = [];
  for await (const jobId of ports.jobs.listLive()) {
    await reconcileJob(ports, jobId).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} jobs could not be reconciled.`);
}

async function reconcileJob(ports: StartPorts, jobId: string): Promise<void> {
  const job = await ports.jobs.get(jobId);
  if (job === undefined) return;
  if (isTerminal(job.status)) return settleJob(ports, job);
  if (job.status === "queued") return startJob(ports, job);
  if (job.status === "starting") return startAgainIfLaunchIsLost(ports, job);
  return endIfRunnerFails(ports, job);
}

/** A launched runner may take long to come; one that is gone without having claimed is replaced, a few times. */
async function startAgainIfLaunchIsLost(ports: StartPorts, job: JobRecord): Promise<void> {
  const now = ports.now().getTime();
  const startUntil = job.startUntil ?? 0;
  const mayBeUnlisted = now < startUntil - (startSeconds - launchSettleSeconds) * 1_000;
  if (mayBeUnlisted) return;
  const isLaunched = await ports.launcher.isLaunched({ jobId: job.jobId, attempt: job.attempt });
  if (isLaunched && now < startUntil) return;
  if (job.attempt < maximumAttempts) return startJob(ports, job);
  const message = `${maximumAttempts} runners were launched for the job and none of them claimed it.`;
  await finishJob(ports, job, { status: "failed", reason: reasonOf("runner_never_started", message) });
}

/** The lease decides; a task that is known to have stopped cannot renew it, so there is no need to wait for its end. */
async function endIfRunnerFails(ports: StartPorts, job: JobRecord): Promise<void> {
  const { owner, leaseUntil, deadlineAt } = job;
  if (owner === null || leaseUntil === null || deadlineAt === null) {
    throw new Error(`Running job ${job.jobId} has no owner, no lease or no deadline.`);
  }
  const now = ports.now().getTime();
  const end = (ending: Ending) => finishJob(ports, job, ending, { guard: { leaseUntil } });
  if (now > leaseUntil) {
    await ports.launcher.stop(owner, "The lease of its job is over.");
    await end(lost(job, "The runner stopped renewing its lease."));
  } else if ((await ports.launcher.state(owner)) === "stopped") {
    await end(lost(job, "The runner's task has stopped."));
  } else if (now > Date.parse(deadlineAt) + deadlineGraceSeconds * 1_000) {
    await ports.launcher.stop(owner, "The deadline of its job is over.");
    await end({
      status: "timed_out",
      reason: reasonOf("deadline_exceeded", "The runner did not end at the deadline."),
    });
  }
}

function lost(job: JobRecord, message: string): Ending {
  if (job.cancelRequestedAt !== null) return cancelled(message);
  return { status: "failed", reason: reasonOf("runner_lost", message) };
}
