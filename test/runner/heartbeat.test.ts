import { beforeEach, expect, test, vi } from "vitest";
import type { JobRecord } from "../../core/job.ts";
import { cancelJob } from "../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { controlReadSeconds, heartbeatGiveUpSeconds, heartbeatSeconds, leaseSeconds } from "../../core/limits.ts";
import type { JobStore } from "../../core/ports.ts";
import { startHeartbeat } from "../../runner/heartbeat.ts";
import { JobStop } from "../../runner/job-stop.ts";
import { inMemoryEventLog } from "../fakes/in-memory-event-log.ts";
import { inMemoryJobStore } from "../fakes/in-memory-job-store.ts";
import { fakeTime } from "../helpers/fake-time.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const time = fakeTime();
const passSeconds = (seconds: number) => time.pass(seconds * 1_000);
const now = () => new Date();

type Trouble = "fails" | "hangs" | undefined;

/** A claimed job in a store that may fail, or answer only when `answer` is called. */
async function claimedJob() {
  const jobs = inMemoryJobStore();
  const queued = queuedJob({ status: "starting", attempt: 1 });
  await jobs.create(queued, jobSpec());
  const claimed = await claimJob({ jobs, now }, queued, { owner: "runner-1", maxMinutes: 60 });
  if (claimed === undefined) throw new Error("The job could not be claimed.");
  const answered = Promise.withResolvers<void>();
  let trouble: Trouble;
  const answer = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    if (trouble === "fails") throw new Error("the store is away");
    if (trouble === "hangs") await answered.promise;
    return act();
  };
  const troubled: JobStore = {
    ...jobs,
    get: (jobId) => answer(() => jobs.get(jobId)),
    update: (jobId, guard, changes) => answer(() => jobs.update(jobId, guard, changes)),
  };
  const stop = new JobStop();
  return {
    jobs,
    claimed,
    stop,
    row: async () => (await jobs.get(claimed.jobId)) as JobRecord,
    change: (changes: Partial<JobRecord>) => jobs.update(claimed.jobId, { status: ["running"] }, changes),
    trouble(next: Trouble) {
      trouble = next;
    },
    answer: answered.resolve,
    beat: () => startHeartbeat({ jobs: troubled, now }, claimed, stop),
  };
}

let job: Awaited<ReturnType<typeof claimedJob>>;

beforeEach(async () => {
  job = await claimedJob();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  return () => vi.restoreAllMocks();
});

test("The lease is extended with every beat, and never runs out.", async () => {
  await using _heartbeat = job.beat();
  for (let seconds = 0; seconds < 600; seconds += heartbeatSeconds) {
    await passSeconds(heartbeatSeconds);
    expect((await job.row()).leaseUntil).toBe(Date.now() + leaseSeconds * 1_000);
  }
  expect(job.stop.cause).toBeUndefined();
});

test("A cancel is obeyed at the next look, and the claim is kept while the job ends.", async () => {
  await using _heartbeat = job.beat();
  await passSeconds(10 * controlReadSeconds);
  await cancelJob({ jobs: job.jobs, events: inMemoryEventLog(), now }, await job.row());
  expect(job.stop.cause).toBeUndefined();
  await passSeconds(controlReadSeconds);
  expect(job.stop.cause).toBe("cancelled");
  expect(job.stop.abandoned.aborted).toBe(false);
  await passSeconds(heartbeatSeconds);
  expect((await job.row()).leaseUntil).toBeGreaterThan(Date.now() + (leaseSeconds - heartbeatSeconds) * 1_000);
});

test.each<[string, Partial<JobRecord>]>([
  ["another attempt has it", { attempt: 2, owner: "runner-2" }],
  ["it has been ended", { status: "failed" }],
])("The job is abandoned when %s.", async (_, changes) => {
  await using _heartbeat = job.beat();
  await job.change(changes);
  await passSeconds(controlReadSeconds);
  expect(job.stop.cause).toBe("superseded");
  expect(job.stop.abandoned.aborted).toBe(true);
});

test("A renewal that is refused abandons the job: somebody else owns it.", async () => {
  await using _heartbeat = job.beat();
  await job.change({ owner: "runner-2" });
  await passSeconds(heartbeatSeconds);
  expect(job.stop.cause).toBe("superseded");
});

test.each<Exclude<Trouble, undefined>>(["fails", "hangs"])(
  "A store that %s for long loses the job to its runner, well before the lease is over.",
  async (trouble) => {
    const heartbeat = job.beat();
    await passSeconds(heartbeatSeconds);
    const { leaseUntil } = await job.row();
    job.trouble(trouble);
    await passSeconds(heartbeatGiveUpSeconds - 1);
    expect(job.stop.cause).toBeUndefined();
    await passSeconds(1 + controlReadSeconds);
    expect(job.stop.cause).toBe("lost_contact");
    expect(job.stop.abandoned.aborted).toBe(true);
    expect(leaseUntil).toBeGreaterThan(Date.now() + 30_000);
    job.answer();
    await heartbeat[Symbol.asyncDispose]();
  },
);

test("A store that is away for less long is got over, again and again.", async () => {
  await using _heartbeat = job.beat();
  for (let outage = 0; outage < 5; outage++) {
    // It begins just before a beat is due.
    await passSeconds(heartbeatSeconds - controlReadSeconds);
    job.trouble("fails");
    await passSeconds(heartbeatGiveUpSeconds - heartbeatSeconds - controlReadSeconds);
    job.trouble(undefined);
    await passSeconds(controlReadSeconds);
  }
  expect(job.stop.cause).toBeUndefined();
});

test("A wall clock that jumps ahead or back loses no job: the monotonic clock decides.", async () => {
  await using _heartbeat = job.beat();
  for (const days of [1, -2]) {
    vi.setSystemTime(Date.now() + days * 86_400_000);
    await passSeconds(2 * heartbeatSeconds);
    expect(job.stop.cause).toBeUndefined();
  }
});

test("Once disposed of it neither reads nor writes, and leaves no timer.", async () => {
  const heartbeat = job.beat();
  await heartbeat[Symbol.asyncDispose]();
  expect(vi.getTimerCount()).toBe(0);
  const before = await job.row();
  await job.change({ cancelRequestedAt: now().toISOString() });
  await passSeconds(300);
  expect(job.stop.cause).toBeUndefined();
  expect((await job.row()).leaseUntil).toBe(before.leaseUntil);
});
