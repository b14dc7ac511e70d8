import type { JobRecord, JobSpec } from "../core/job.ts";
import { claimJob } from "../core/lifecycle/claim-job.ts";
import { idleRunnerSeconds } from "../core/limits.ts";
import type { Clock, JobHint, JobQueue, JobStore } from "../core/ports.ts";
import { logError, logInfo } from "./log.ts";

interface TakePorts {
  readonly jobs: JobStore;
  readonly queue: JobQueue;
  readonly now: Clock;
}

export interface TakenJob {
  readonly record: JobRecord;
  readonly spec: JobSpec;
}

/** Waits for a hint of a job that can be claimed, and claims it. Undefined when none came for a while. */
export async function takeJob(ports: TakePorts, owner: string, signal: AbortSignal): Promise<TakenJob | undefined> {
  const until = performance.now() + idleRunnerSeconds * 1_000;
  while (performance.now() < until && !signal.aborted) {
    const message = await ports.queue.receive(signal);
    if (message === undefined) continue;
    const taken = message.hint && (await tryToClaim(ports, message.hint, owner));
    if (message.hint === undefined) logError("a message was none of ours and was dropped", "not a job hint", { owner });
    // The row says all; from here on the hint has nothing to add, whether this runner won the job or not.
    // One that cannot be deleted comes again, to a runner that will find nothing to claim.
    await message.delete().catch((error: unknown) => logError("a message could not be deleted", error, { owner }));
    if (taken) return taken;
  }
  return undefined;
}

async function tryToClaim(ports: TakePorts, hint: JobHint, owner: string): Promise<TakenJob | undefined> {
  const spec = await ports.jobs.getSpec(hint.jobId);
  if (spec === undefined) return undefined;
  const record = await claimJob(ports, hint, { owner, maxMinutes: spec.options.maxMinutes });
  if (record === undefined) logInfo("the job is not there to be claimed", { ...hint });
  return record && { record, spec };
}
