import type { JobRecord } from "../job.ts";
import { cancelGraceSeconds, deadlineGraceSeconds } from "../limits.ts";
import { reasonOf } from "../reasons.ts";
import { cancelled } from "./cancel-job.ts";
import { type Ending, finishJob } from "./finish-job.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import { requeueJob } from "./requeue-job.ts";
import type { RunnerTasks } from "./runner-tasks.ts";

/**
 * Takes a running job from a runner that is lost, or that does not end it when it must. The lease decides; a task that is
 * known to have stopped cannot renew it, so there is no need to wait for its end. In any other case the task is stopped
 * before anybody else may have the job.
 */
export async function endIfRunnerFails(ports: StartPorts, job: JobRecord, { stopped }: RunnerTasks): Promise<void> {
  const { owner, leaseUntil, deadlineAt, cancelRequestedAt } = job;
  if (owner === null || leaseUntil === null || deadlineAt === null) {
    throw new Error(`Running job ${job.jobId} has no owner, no lease or no deadline.`);
  }
  const isPast = (moment: number, graceSeconds: number) => ports.now().getTime() > moment + graceSeconds * 1_000;
  const stop = (why: string) => ports.launcher.stop(owner, why);
  const end = (ending: Ending) => finishJob(ports, job, ending, { guard: { leaseUntil } });
  if (isPast(leaseUntil, 0)) {
    await stop("The lease of its job is over.");
    await requeueJob(ports, job, "The runner stopped renewing its lease.", { leaseUntil });
  } else if (stopped.has(owner)) {
    await requeueJob(ports, job, "The runner's task has stopped.", { leaseUntil });
  } else if (cancelRequestedAt !== null && isPast(Date.parse(cancelRequestedAt), cancelGraceSeconds)) {
    await stop("Its job was cancelled.");
    await end(cancelled("The runner did not obey the cancel and was stopped."));
  } else if (isPast(Date.parse(deadlineAt), deadlineGraceSeconds)) {
    await stop("The deadline of its job is over.");
    const message = "The runner did not end at the deadline and was stopped.";
    await end({ status: "timed_out", reason: reasonOf("deadline_exceeded", message) });
  }
}
