import { NoCapacity } from "../errors.ts";
import type { JobRecord } from "../job.ts";
import { launchSettleSeconds, startSeconds, warmLaunchMinutes } from "../limits.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import type { RunnerTasks } from "./runner-tasks.ts";

/**
 * Sees to it that so many runners wait for jobs that have not come yet: a job finds one of them at once, and the runner
 * that is launched for it takes its place among those that wait. What is made up for here is only what that leaves open:
 * the first ones, and those that have waited in vain and exited.
 */
export async function keepWarm(
  ports: StartPorts,
  jobs: readonly JobRecord[],
  { unoccupied }: RunnerTasks,
): Promise<void> {
  const { warmRunners = 0, launcher } = ports;
  const now = ports.now().getTime();
  const isListed = ({ startUntil }: JobRecord) =>
    startUntil !== null && now >= startUntil - (startSeconds - launchSettleSeconds) * 1_000;
  // Of those without a job, as many are on their way to one as there are jobs that wait for their runner.
  const expected = jobs.filter((job) => job.status === "starting" && isListed(job)).length;
  const missing = warmRunners - Math.max(0, unoccupied.length - expected);
  const period = Math.floor(now / (warmLaunchMinutes * 60_000));
  try {
    // By the period: a run at the same time, one that does not see them listed yet, and one that finds them all gone again
    // because their image is broken, start no more.
    for (let index = 0; index < missing; index++) await launcher.launchWarm(`warm-${period}-${index}`);
  } catch (error) {
    if (!(error instanceof NoCapacity)) throw error;
  }
}
