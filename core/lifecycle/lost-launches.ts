import type { JobRecord } from "../job.ts";
import { launchSettleSeconds, maximumLostLaunches, startSeconds } from "../limits.ts";
import type { Launch, LaunchName, RunnerEnd } from "../ports.ts";
import { reasonOf } from "../reasons.ts";
import { finishJob } from "./finish-job.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import type { RunnerTasks } from "./runner-tasks.ts";
import { launchAgain } from "./start-job.ts";
import type { Trouble } from "./trouble.ts";

/** A launch that brought its job no runner. `end` is missing where the task lives, or is not remembered. */
export interface LostLaunch extends Launch {
  readonly end: RunnerEnd | undefined;
}

/** What is told of an end to the job's user: what ECS says of an image can be as long as a page. */
const maximumWhyCharacters = 500;

/**
 * Sees to it that every starting job finds a runner. Which runner takes which job is up to the queue, so what counts is
 * their number: the oldest jobs are promised the runners that have no job yet, and get their hint again in case it was
 * lost; for the others a runner is launched again, a few times. Answers the launches that were given up.
 */
export async function startAgainWhatFoundNoRunner(
  ports: StartPorts,
  jobs: readonly JobRecord[],
  { unoccupied }: RunnerTasks,
  { stopped, trouble }: { readonly stopped: LaunchName | undefined; readonly trouble: Trouble },
): Promise<LostLaunch[]> {
  const lost: LostLaunch[] = [];
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
    const { jobId, attempt, launches: launch } = job;
    if (mayStillBeTaken) {
      await trouble.collect(jobId, () => ports.queue.send({ jobId, attempt }));
    } else {
      // Whether ECS can say it or not, the job goes on.
      const end = await trouble.collect(jobId, () => ports.launcher.endOf({ jobId, launch }));
      const isLost = await trouble.collect(jobId, () => startAgain(ports, job, end));
      if (isLost) lost.push({ jobId, attempt, launch, end });
    }
  }
  return lost;
}

/** Answers whether it did: somebody else may have been first, a runner included. */
async function startAgain(ports: StartPorts, job: JobRecord, end: RunnerEnd | undefined): Promise<boolean> {
  const lostLaunches = job.lostLaunches + 1;
  if (lostLaunches < maximumLostLaunches) return (await launchAgain(ports, job, { lostLaunches })) !== "not_wanted";
  const never = `${maximumLostLaunches} runners were launched for the job and none of them claimed it.`;
  const message = end?.why ? `${never} ECS says of the last one: ${end.why.slice(0, maximumWhyCharacters)}` : never;
  const ending = { status: "failed", reason: reasonOf("runner_never_started", message) } as const;
  return (await finishJob(ports, job, ending)) !== undefined;
}
