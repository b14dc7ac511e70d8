import * as z from "zod";
import { enterLogContext, type LogContext, logError, logInfo } from "../../adapters/log.ts";
import { embeddedMetrics, type RecordMetrics } from "../../adapters/metrics.ts";
import { JobId } from "../../core/job.ts";
import { advanceWaiting } from "../../core/lifecycle/advance-waiting.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import type { LostLaunch } from "../../core/lifecycle/lost-launches.ts";
import { type Reconciled, reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import type { LaunchName } from "../../core/ports.ts";
import { recordMetrics, startPorts } from "../wiring.ts";
import { waitingJobs } from "./waiting-jobs.ts";

/** EventBridge's "ECS Task State Change", once the task's container has ended. */
const TaskStopped = z.object({
  source: z.literal("aws.ecs"),
  detail: z.object({
    taskArn: z.string().optional(),
    lastStatus: z.string().optional(),
    startedBy: z.string().optional(),
    stopCode: z.string().optional(),
    stoppedReason: z.string().optional(),
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
  const reconciled = await reconcileJobs(ports, stopped && launchOf(stopped));
  const { trouble, lostLaunches, ...seen } = reconciled;
  if (seen.jobs + seen.runners + seen.slotsReleased > 0) {
    logInfo("reconciled", { ...seen, lostLaunches: lostLaunches.length, trouble: trouble.length });
  }
  const lostRunners = [...lostLaunches.map(lostOf), ...(stopped ? lostWarmRunner(stopped) : [])];
  for (const lost of lostRunners) logInfo("a runner was lost before it had a job", lost);
  tell(trouble);
  record({
    ...(lostRunners.length > 0 && { RunnersLostBeforeStart: lostRunners.length }),
    ...mendedBy(reconciled),
    ...(await waitingJobs(ports)),
  });
  failIfAny(trouble);
}

export async function handler(event: unknown, context: { readonly awsRequestId: string }): Promise<void> {
  enterLogContext({ requestId: context.awsRequestId });
  await reconcile(startPorts(), event, recordMetrics());
}

function lostOf({ jobId, attempt, launch, end }: LostLaunch): LogContext {
  return { jobId, attempt, launch, ...(end && { task: end.taskId, stoppedReason: end.why }) };
}

/** One that ECS could not start; no job misses it, so only this event tells. Its last status is said once. */
function lostWarmRunner(stopped: TaskStopped): LogContext[] {
  const { taskArn = "", lastStatus, stopCode = "", stoppedReason = "" } = stopped.detail;
  const isLost = lastStatus === "STOPPED" && stopCode === "TaskFailedToStart" && launchOf(stopped) === undefined;
  return isLost ? [{ task: taskArn, stoppedReason }] : [];
}

/** Where there was nothing to mend, nothing is counted: a metric is paid for by the hours in which it is written. */
function mendedBy({ slotsReleased, orphansStopped, trouble }: Reconciled) {
  const leftOver = slotsReleased + orphansStopped;
  return {
    ...(leftOver > 0 && { LeftOversCleared: leftOver }),
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
  for (const { about, attempt, error } of trouble) {
    const jobId = JobId.safeParse(about).data;
    logError("a job could not be looked after", error, { about, ...(jobId && { jobId }), ...(attempt && { attempt }) });
  }
}

/** The error makes the run count as failed. */
function failIfAny({ length }: Reconciled["trouble"]): void {
  if (length > 0) throw new Error(`${length} jobs could not be looked after; the next run tries again.`);
}
