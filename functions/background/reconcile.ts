import * as z from "zod";
import { logError, logInfo } from "../../adapters/log.ts";
import { advanceWaiting } from "../../core/lifecycle/advance-waiting.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import type { LaunchName } from "../../core/lifecycle/lost-launches.ts";
import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { startPorts } from "../wiring.ts";

/** EventBridge's "ECS Task State Change", once the task's container has ended. */
const TaskStopped = z.object({
  source: z.literal("aws.ecs"),
  detail: z.object({
    startedBy: z.string().optional(),
    stopCode: z.string().optional(),
    containers: z.array(z.object({ exitCode: z.int().optional() })).default([]),
  }),
});
type TaskStopped = z.infer<typeof TaskStopped>;

/**
 * Runs each minute and whenever a runner's task has stopped. What counts is the table; the event only says how much there
 * is to look at: a runner that ended as it should has made room, any other occasion is one to look after every job.
 */
export async function reconcile(ports: StartPorts, event: unknown): Promise<void> {
  const { data: stopped } = TaskStopped.safeParse(event);
  if (stopped && endedWell(stopped)) return report((await advanceWaiting(ports)).errors);
  const { trouble, ...seen } = await reconcileJobs(ports, stopped && launchOf(stopped));
  if (seen.jobs + seen.runners > 0) logInfo("reconciled", { ...seen, trouble: trouble.length });
  report(trouble);
}

export async function handler(event: unknown): Promise<void> {
  await reconcile(startPorts(), event);
}

function endedWell({ detail }: TaskStopped): boolean {
  return detail.stopCode === "EssentialContainerExited" && detail.containers.every(({ exitCode }) => exitCode === 0);
}

/** `<jobId>-<launch>`, as the launcher names what a task is for. */
function launchOf({ detail }: TaskStopped): LaunchName | undefined {
  const [, jobId, launch] = /^(\w{26})-(\d+)$/.exec(detail.startedBy ?? "") ?? [];
  return jobId === undefined ? undefined : { jobId, launch: Number(launch) };
}

/** One line each; the error makes the run count as failed. */
function report(trouble: readonly { readonly about: string; readonly error: unknown }[]): void {
  for (const { about, error } of trouble) logError("a job could not be looked after", error, { about });
  if (trouble.length > 0)
    throw new Error(`${trouble.length} jobs could not be looked after; the next run tries again.`);
}
