import type { JobRecord } from "../job.ts";
import { orphanSeconds } from "../limits.ts";
import type { RunnerLauncher, RunnerTask } from "../ports.ts";
import type { StartPorts } from "./lifecycle-ports.ts";

/** The runners as a run of reconcile sees them. */
export interface RunnerTasks {
  /** Alive, and working on no job: on their way to one, or orphans. */
  readonly unoccupied: readonly RunnerTask[];
  /** Tasks that are known to have stopped. One that is not among them may be alive. */
  readonly stopped: ReadonlySet<string>;
}

/** Only what the listing leaves open is asked for one by one: owners that it does not show, and runners without a job. */
export async function runnerTasks(
  launcher: RunnerLauncher,
  alive: readonly string[],
  jobs: readonly JobRecord[],
): Promise<RunnerTasks> {
  const owners = new Set(jobs.flatMap(({ owner }) => (owner === null ? [] : [owner])));
  const listed = new Set(alive);
  const open = [...alive.filter((taskId) => !owners.has(taskId)), ...[...owners].filter((owner) => !listed.has(owner))];
  const described = await launcher.describe(open);
  return {
    unoccupied: described.filter(({ taskId, isAlive }) => isAlive && !owners.has(taskId)),
    stopped: new Set(described.filter(({ isAlive }) => !isAlive).map(({ taskId }) => taskId)),
  };
}

/** Stops runners that should long have found a job or have exited. Answers how many. */
export async function stopOrphans(ports: StartPorts, { unoccupied }: RunnerTasks): Promise<number> {
  const launchedBefore = ports.now().getTime() - orphanSeconds * 1_000;
  const orphans = unoccupied.filter(({ launchedAt }) => launchedAt.getTime() < launchedBefore);
  for (const { taskId } of orphans) await ports.launcher.stop(taskId, "It works on no job.");
  return orphans.length;
}
