import * as z from "zod";
import { enterLogContext, logError, logInfo } from "../../adapters/log.ts";
import { embeddedMetrics, type RecordMetrics } from "../../adapters/metrics.ts";
import { JobId } from "../../core/job.ts";
import { advanceWaiting } from "../../core/lifecycle/advance-waiting.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import type { LaunchName } from "../../core/lifecycle/lost-launches.ts";
import { type Reconciled, reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { recordMetrics, startPorts } from "../wiring.ts";
import { waitingJobs } from "./waiting-jobs.ts";

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
export async function reconcile(
  ports: StartPorts,
  event: unknown,
  record: RecordMetrics = embeddedMetrics(undefined),
): Promise<void> {
  const { data: stopped } = TaskStopped.safeParse(event);
  if (stopped && endedWell(stopped)) {
    const { errors } = await advanceWaiting(ports);
    if (errors.length > 0) record({ ReconcileFailures: errors.length });
    tell(errors);
    return failIfAny(errors);
  }
  const { trouble, ...seen } = await reconcileJobs(ports, stopped && launchOf(stopped));
  if (seen.jobs + seen.runners > 0) logInfo("reconciled", { ...seen, trouble: trouble.length });
  tell(trouble);
  record({ ...mendedBy({ trouble, ...seen }), ...(await waitingJobs(ports)) });
  failIfAny(trouble);
}

export async function handler(event: unknown, context: { readonly awsRequestId: string }): Promise<void> {
  enterLogContext({ requestId: context.awsRequestId });
  await reconcile(startPorts(), event, recordMetrics());
}

/** Where there was nothing to mend, nothing is counted: a metric is paid for by the hours in which it is written. */
function mendedBy({ slotsReleased, orphansStopped, trouble }: Reconciled) {
  return {
    ...(slotsReleased > 0 && { SlotsReleasedByAudit: slotsReleased }),
    ...(orphansStopped > 0 && { OrphansStopped: orphansStopped }),
    ...(trouble.length > 0 && { ReconcileFailures: trouble.length }),
  };
}

function endedWell({ detail }: TaskStopped): boolean {
  return detail.stopCode === "EssentialContainerExited" && detail.containers.every(({ exitCode }) => exitCode === 0);
}

/** `<jobId>-<launch>`, as the launcher names what a task is for. */
function launchOf({ detail }: TaskStopped): LaunchName | undefined {
  const [, jobId, launch] = /^(\w{26})-(\d+)$/.exec(detail.startedBy ?? "") ?? [];
  return jobId === undefined ? undefined : { jobId, launch: Number(launch) };
}

function tell(trouble: Reconciled["trouble"]): void {
  for (const { about, error } of trouble) {
    const jobId = JobId.safeParse(about).data;
    logError("a job could not be looked after", error, { about, ...(jobId && { jobId }) });
  }
}

/** The error makes the run count as failed. */
function failIfAny({ length }: Reconciled["trouble"]): void {
  if (length > 0) throw new Error(`${length} jobs could not be looked after; the next run tries again.`);
}
