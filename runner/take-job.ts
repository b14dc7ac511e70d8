import { logError, logInfo } from "../adapters/log.ts";
import { NewerSchema } from "../core/errors.ts";
import type { JobRecord, JobSpec } from "../core/job.ts";
import { claimJob } from "../core/lifecycle/claim-job.ts";
import { idleRunnerSeconds } from "../core/limits.ts";
import type { Clock, JobHint, JobQueue, JobStore } from "../core/ports.ts";

interface TakePorts {
  readonly jobs: JobStore;
  readonly queue: JobQueue;
  readonly now: Clock;
}

export interface TakenJob {
  readonly record: JobRecord;
  readonly spec: JobSpec;
}

/** What became of a hint: a job, nothing, or nothing yet, because another runner has to look at it. */
type Claimed = TakenJob | undefined | "left_to_others";

/** Waits for a hint of a job that can be claimed, and claims it. Undefined when none came for so long. */
export async function takeJob(
  ports: TakePorts,
  owner: string,
  signal: AbortSignal,
  idleSeconds: number = idleRunnerSeconds,
): Promise<TakenJob | undefined> {
  const until = performance.now() + idleSeconds * 1_000;
  while (performance.now() < until && !signal.aborted) {
    const message = await ports.queue.receive(signal);
    if (message === undefined) continue;
    const taken = message.hint && (await tryToClaim(ports, message.hint, owner));
    // It comes back after a while.
    if (taken === "left_to_others") continue;
    if (message.hint === undefined) logError("a message was none of ours and was dropped", "not a job hint", { owner });
    // The row says all; from here on the hint has nothing to add, whether this runner won the job or not.
    // One that cannot be deleted comes again, to a runner that will find nothing to claim.
    await message.delete().catch((error: unknown) => logError("a message could not be deleted", error, { owner }));
    if (taken) return taken;
  }
  return undefined;
}

async function tryToClaim(ports: TakePorts, hint: JobHint, owner: string): Promise<Claimed> {
  try {
    const spec = await ports.jobs.getSpec(hint.jobId);
    const record = spec && (await claimJob(ports, hint, { owner, maxMinutes: spec.options.maxMinutes }));
    if (record === undefined) logInfo("the job is not there to be claimed", { ...hint });
    return record && { record, spec };
  } catch (error) {
    if (!(error instanceof NewerSchema)) throw error;
    logError("the job is for a newer runner", error, { ...hint });
    return "left_to_others";
  }
}
