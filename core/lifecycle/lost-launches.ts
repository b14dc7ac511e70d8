import type { JobRecord } from "../job.ts";
import { launchSettleSeconds, maximumLostLaunches, startSeconds } from "../limits.ts";
import type { Launch } from "../ports.ts";
import { reasonOf } from "../reasons.ts";
import { finishJob } from "./finish-job.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import type { RunnerTasks } from "./runner-tasks.ts";
import { launchAgain } from "./start-job.ts";
import type { Trouble } from "./trouble.ts";

/** Which of the launches of a job. */
export type LaunchName = Pick<Launch, "jobId" | "launch">;

/**
 * Sees to it that every starting job finds a runner. Which runner takes which job is up to the queue, so what counts is
 * their number: the oldest jobs are promised the runners that have no job yet, and get their hint again in case it was
 * lost; for the others a runner is launched again, a few times.
 */
export async function startAgainWhatFoundNoRunner(
  ports: StartPorts,
  jobs: readonly JobRecord[],
  { unoccupied }: RunnerTasks,
  { stopped, trouble }: { readonly stopped: LaunchName | undefined; readonly trouble: Trouble },
): Promise<void> {
  const now = ports.now().getTime();
  const launched = jobs.filter(({ status, startUntil }) => status === "starting" && startUntil !== null);
  // Only of the latest launch: what is told twice, or late, must not count against the runner that is on its way now.
  const isKnownToHaveStopped = ({ jobId, launches }: JobRecord) =>
    jobId === stopped?.jobId && launches === stopped.launch;
  // A task that was launched a moment ago may not be listed yet; its job counts on it, and on none of the others.
  const mayBeUnlisted = ({ startUntil }: JobRecord) =>
    now < (startUntil ?? 0) - (startSeconds - launchSettleSeconds) * 1_000;
  const overdue = launched
    .filter((job) => isKnownToHaveStopped(job) || !mayBeUnlisted(job))
    .sort((first, second) => (first.jobId < second.jobId ? -1 : 1));
  const settledBefore = now - launchSettleSeconds * 1_000;
  const olderRunners = unoccupied.filter(({ launchedAt }) => launchedAt.getTime() <= settledBefore).length;
  const sparedRunners = unoccupied.length - olderRunners - (launched.length - overdue.length);
  let promised = olderRunners + Math.max(0, sparedRunners);
  for (const job of overdue) {
    const hasTime = now < (job.startUntil ?? 0);
    const mayStillBeTaken = hasTime && promised-- > 0;
    await trouble.collect(job.jobId, () =>
      mayStillBeTaken ? ports.queue.send({ jobId: job.jobId, attempt: job.attempt }) : startAgain(ports, job),
    );
  }
}

async function startAgain(ports: StartPorts, job: JobRecord): Promise<void> {
  const lostLaunches = job.lostLaunches + 1;
  if (lostLaunches < maximumLostLaunches) {
    await launchAgain(ports, job, { lostLaunches });
    return;
  }
  const message = `${maximumLostLaunches} runners were launched for the job and none of them claimed it.`;
  await finishJob(ports, job, { status: "failed", reason: reasonOf("runner_never_started", message) });
}
