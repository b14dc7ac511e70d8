import { isDeepStrictEqual } from "node:util";
import { isTerminal, type JobRecord } from "../../core/job.ts";
import { maximumLostLaunches } from "../../core/limits.ts";
import { assertOrder } from "./log-invariants.ts";
import { neverClaimed } from "./row-invariants.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

const everything = { events: 10_000, bytes: 10 * 1024 * 1024 };

/** What must hold at rest, read from the table itself. */
export async function assertFinalInvariants(world: World): Promise<void> {
  const { ledger, stores, profile } = world;
  for (const jobId of ledger.accepted) {
    if (ledger.row(jobId) === undefined) throw new Violation("what was accepted is stored", jobId);
  }
  for (const job of ledger.jobs) {
    const stored = await stores.jobs.get(job.jobId);
    if (!isDeepStrictEqual(stored, job)) throw new Violation("the table holds what was written", job.jobId);
    assertEnd(job, world);
    await assertHistory(job, world);
  }
  const listed = [stores.jobs.listLive("active"), stores.jobs.listLive("due"), stores.jobs.listWaitingTenants()];
  for (const listing of listed) {
    const rest = await Array.fromAsync(listing);
    if (rest.length > 0) throw new Violation("nothing is live at rest", rest.join(", "));
  }
  for (const tenantId of profile.tenants) {
    const holders = await stores.slots.holders(tenantId);
    if (holders.length > 0) throw new Violation("no slot is held at rest", holders.join(", "));
  }
}

function assertEnd(job: JobRecord, { profile, ledger, cluster }: World): void {
  const { jobId, status, reason, attempt, launches } = job;
  const summary = `${jobId} ${status} (${attempt}) ${reason?.code}: ${reason?.message}`;
  if (!isTerminal(status)) throw new Violation("every job ends", summary);
  if ((status === "succeeded") !== (reason === null))
    throw new Violation("an end without success has its reason", summary);
  if (status === "cancelled" && !ledger.cancelsAskedFor.has(jobId)) {
    throw new Violation("only what was to be cancelled is cancelled", summary);
  }
  const tasks = cluster.tasks.filter(({ launch }) => launch.jobId === jobId && launch.attempt === attempt);
  // Who is held up, or dies, between a refused launch and saying so in the row leaves it as one whose runner was lost.
  const isSaid = profile.faults === 0 && profile.jumps === 0;
  if (isSaid && reason?.message === neverClaimed && tasks.length < maximumLostLaunches) {
    throw new Violation("want of room is not taken for lost runners", `${summary}, ${tasks.length} tasks`);
  }
  const isFit =
    attempt <= 1 && launches <= 1 && (reason === null || ["stage_failed", "cancelled_by_user"].includes(reason.code));
  if (profile.isCalm && !isFit)
    throw new Violation("where nothing goes wrong nothing is lost", `${summary}, ${launches} launches`);
}

async function assertHistory(job: JobRecord, { stores, ledger }: World): Promise<void> {
  const { jobId, status, reason, lastSeq } = job;
  const history = await stores.events.read(jobId, 0, everything);
  const written = (ledger.batches.get(jobId) ?? []).flatMap(({ events }) => events);
  if (!isDeepStrictEqual(history, written)) throw new Violation("the log holds what was written", jobId);
  assertOrder(history, jobId);
  const last = history.at(-1);
  if (history[0]?.type !== "job_queued" || history[0].seq !== 1)
    throw new Violation("a log begins with job_queued", jobId);
  if (last?.type !== "job_finished" || last.seq !== lastSeq) throw new Violation("a log ends with job_finished", jobId);
  if (last.data.status !== status || !isDeepStrictEqual(last.data.reason, reason)) {
    throw new Violation("the last event says how the job ended", jobId);
  }
}
