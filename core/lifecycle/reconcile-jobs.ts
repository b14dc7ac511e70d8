import type { JobRecord } from "../job.ts";
import { isTerminal } from "../job.ts";
import { launchSettleSeconds, maximumAttempts, startSeconds } from "../limits.ts";
import { reasonOf } from "../reasons.ts";
import { finishJob, settleJob } from "./finish-job.ts";
import { type StartPorts, startJob } from "./start-job.ts";

/**
 * Makes every job that is not settled go on: starts what is still queued, ends what has lost its runner, settles what
 * has ended. Each step is conditional, so two of these may run at once.
 */
export async function reconcileJobs(ports: StartPorts): Promise<void> {
  for await (const jobId of ports.jobs.listLive()) {
    const job = await ports.jobs.get(jobId);
    if (job !== undefined) await reconcileJob(ports, job);
  }
}

async function reconcileJob(ports: StartPorts, job: JobRecord): Promise<void> {
  if (isTerminal(job.status)) return settleJob(ports, job);
  if (job.status === "queued") return startJob(ports, job);
  if (job.status === "starting") return startAgainIfLaunchIsLost(ports, job);
  return endIfRunnerIsLost(ports, job);
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
async function endIfRunnerIsLost(ports: StartPorts, job: JobRecord): Promise<void> {
  const { owner, leaseUntil } = job;
  if (owner === null || leaseUntil === null) throw new Error(`Running job ${job.jobId} has no owner or no lease.`);
  const leaseIsOver = ports.now().getTime() > leaseUntil;
  if (!leaseIsOver && (await ports.launcher.state(owner)) !== "stopped") return;
  if (leaseIsOver) await ports.launcher.stop(owner, "The lease of its job is over.");
  const detail = leaseIsOver ? "The runner stopped renewing its lease." : "The runner's task has stopped.";
  const ending = { status: "failed", reason: reasonOf("runner_lost", detail) } as const;
  await finishJob(ports, job, ending, { guard: { leaseUntil } });
}
