import { isTerminal, type JobRecord } from "../job.ts";
import { reconcileConcurrency, reconcileSeconds } from "../limits.ts";
import type { LaunchName } from "../ports.ts";
import { admitJobs } from "./admit-jobs.ts";
import { advanceWaiting } from "./advance-waiting.ts";
import { auditSlots } from "./audit-slots.ts";
import { settleJob } from "./finish-job.ts";
import { keepWarm } from "./keep-warm.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import { type LostLaunch, startAgainWhatFoundNoRunner } from "./lost-launches.ts";
import { endIfRunnerFails } from "./lost-runners.ts";
import { runnerTasks, stopOrphans } from "./runner-tasks.ts";
import { Trouble } from "./trouble.ts";

/** What one run has seen. */
export interface Reconciled {
  /** Jobs that are not settled and not waiting. */
  readonly jobs: number;
  readonly runners: number;
  readonly lostLaunches: readonly LostLaunch[];
  readonly orphansStopped: number;
  readonly slotsReleased: number;
  /** Whether there was time for all. The next run takes them in another order. */
  readonly isComplete: boolean;
  /** With the attempt, where it is about a job that could be read. */
  readonly trouble: (Trouble["errors"][number] & { readonly attempt?: number | undefined })[];
}

/**
 * Makes every job that is not settled go on: settles what has ended, takes back what has lost its runner, launches what
 * found none, gives free slots to what waits, and stops runners that work on nothing. Each step is conditional, so two of
 * these may run at once; what one did not get to, the next one does. `stopped` names the launch of a runner that is known
 * to have stopped.
 */
export async function reconcileJobs(ports: StartPorts, stopped?: LaunchName): Promise<Reconciled> {
  const trouble = new Trouble();
  const beginAt = ports.now().getTime();
  const endAt = beginAt + reconcileSeconds * 1_000;
  // Without ECS nothing can be said about runners; the rest goes on.
  const alive = await trouble.collect("the list of runners", () => ports.launcher.listAlive());
  const jobIds = shuffled(await Array.fromAsync(ports.jobs.listLive("active")));
  const jobs: JobRecord[] = [];
  const readAll = await forEach(jobIds, (beginAt + endAt) / 2, ports, (jobId) =>
    trouble.collect(jobId, async () => {
      const job = await ports.jobs.get(jobId);
      if (job !== undefined) jobs.push(job);
    }),
  );
  const couldReadAll = readAll && trouble.errors.length === 0;
  const tasks = alive && (await trouble.collect("the runners", () => runnerTasks(ports.launcher, alive, jobs)));
  const actedOnAll = await forEach(jobs, endAt, ports, (job) =>
    trouble.collect(job.jobId, async () => {
      if (isTerminal(job.status)) await settleJob(ports, job);
      else if (job.status === "queued") await admitJobs(ports, job.tenantId, job);
      else if (job.status === "running" && tasks) await endIfRunnerFails(ports, job, tasks);
    }),
  );
  const lostLaunches = tasks ? await startAgainWhatFoundNoRunner(ports, jobs, tasks, { stopped, trouble }) : [];
  const slotsReleased = await auditSlots(ports, new Set(jobIds), trouble);
  await advanceWaiting(ports, trouble);
  if (tasks) await trouble.collect("the warm runners", () => keepWarm(ports, jobs, tasks));
  const isComplete = readAll && actedOnAll;
  const attempts = new Map(jobs.map(({ jobId, attempt }) => [jobId, attempt]));
  // A job that could not be read may be what a runner works on.
  const orphansStopped = tasks && couldReadAll ? await stopOrphans(ports, tasks) : 0;
  return {
    jobs: jobs.length,
    runners: alive?.length ?? 0,
    lostLaunches,
    orphansStopped,
    slotsReleased,
    isComplete,
    trouble: trouble.errors.map((entry) => ({ ...entry, attempt: attempts.get(entry.about) })),
  };
}

/** A few at a time, until the time is over. Whether it was enough for all. */
async function forEach<Item>(
  items: readonly Item[],
  endAt: number,
  { now }: Pick<StartPorts, "now">,
  act: (item: Item) => Promise<void>,
): Promise<boolean> {
  const left = items.values();
  let isComplete = true;
  const work = async () => {
    for (const item of left) {
      if (now().getTime() > endAt) isComplete = false;
      if (!isComplete) return;
      await act(item);
    }
  };
  await Promise.all(Array.from({ length: reconcileConcurrency }, work));
  return isComplete;
}

/** Fisher-Yates: whoever comes last in a run that has no time for all is not the last in the next. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other] as Item, order[last] as Item];
  }
  return order;
}
