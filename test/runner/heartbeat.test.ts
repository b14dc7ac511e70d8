import { beforeEach, describe, expect, test, vi } from "vitest";
import type { JobRecord } from "../../core/job.ts";
import { cancelJob } from "../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { controlReadSeconds, heartbeatGiveUpSeconds, heartbeatSeconds, leaseSeconds } from "../../core/limits.ts";
import type { JobStore } from "../../core/ports.ts";
import { startHeartbeat } from "../../runner/heartbeat.ts";
import { JobStop } from "../../runner/job-stop.ts";
import { inMemoryEventLog } from "../fakes/in-memory-event-log.ts";
import { inMemoryJobStore } from "../fakes/in-memory-job-store.ts";
import { inMemoryTenantSlots } from "../fakes/in-memory-tenant-slots.ts";
import { fakeTime } from "../helpers/fake-time.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const time = fakeTime();
const passSeconds = (seconds: number) => time.pass(seconds * 1_000);
const now = () => new Date();
/** A renewal is made at the first look after it is due. */
const beatSeconds = Math.ceil(heartbeatSeconds / controlReadSeconds) * controlReadSeconds;

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
  const reads = { get: 0, glance: 0 };
  let stale: { readonly row: JobRecord | undefined } | undefined;
  const troubled: JobStore = {
    ...jobs,
    get(jobId) {
      reads.get++;
      return answer(() => jobs.get(jobId));
    },
    glance(jobId) {
      reads.glance++;
      return answer(async () => (stale ? stale.row : jobs.glance(jobId)));
    },
    update: (jobId, guard, changes) => answer(() => jobs.update(jobId, guard, changes)),
  };
  const stop = new JobStop();
  const row = async () => (await jobs.get(claimed.jobId)) as JobRecord;
  return {
    jobs,
    claimed,
    stop,
    row,
    cancel: async () => cancelJob({ jobs, events: inMemoryEventLog(), slots: inMemoryTenantSlots(), now }, await row()),
    change: (changes: Partial<JobRecord>) => jobs.update(claimed.jobId, { status: ["running"] }, changes),
    trouble(next: Trouble) {
      trouble = next;
    },
    answer: answered.resolve,
    /** How often the row was read so far. */
    reads,
    /** From now on a glance shows this row, whatever has become of it; `undefined` for none. */
    glanceShows(row: JobRecord | undefined) {
      stale = { row };
    },
    glanceCatchesUp() {
      stale = undefined;
    },
    queued,
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
  for (let seconds = 0; seconds < 600; seconds += beatSeconds) {
    await passSeconds(beatSeconds);
    expect((await job.row()).leaseUntil).toBe(Date.now() + leaseSeconds * 1_000);
  }
  expect(job.stop.cause).toBeUndefined();
});

test("What the claim took until it was stored has used up some of the lease: after long it is renewed at the first look.", async () => {
  const late = { ...job.claimed, leaseUntil: (job.claimed.leaseUntil ?? 0) - heartbeatSeconds * 1_000 };
  await using _heartbeat = startHeartbeat({ jobs: job.jobs, now }, late, job.stop);
  await passSeconds(controlReadSeconds);
  expect((await job.row()).leaseUntil).toBe(Date.now() + leaseSeconds * 1_000);
});

test("A cancel is obeyed at the next look, and the claim is kept while the job ends.", async () => {
  await using _heartbeat = job.beat();
  await passSeconds(10 * controlReadSeconds);
  await job.cancel();
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

describe("A glance that is behind the times", () => {
  test.each<[string, () => JobRecord | undefined]>([
    ["shows the job before it was claimed", () => job.queued],
    ["shows an earlier attempt", () => ({ ...job.claimed, attempt: 0, owner: "runner-0" })],
    ["shows no job at all", () => undefined],
  ])("ends nothing: it %s.", async (_, seen) => {
    await using _heartbeat = job.beat();
    job.glanceShows(seen());
    await passSeconds(5 * controlReadSeconds);
    expect(job.stop.cause).toBeUndefined();
    expect(job.reads).toEqual({ glance: 5, get: 5 });
  });

  test("shows the job as it is a look later, and then no sure look is taken any more.", async () => {
    await using _heartbeat = job.beat();
    job.glanceShows(job.queued);
    await passSeconds(controlReadSeconds);
    job.glanceCatchesUp();
    await passSeconds(5 * controlReadSeconds);
    expect(job.reads).toEqual({ glance: 6, get: 1 });
  });

  test("does not hide a cancel from the sure look that it leads to.", async () => {
    await using _heartbeat = job.beat();
    job.glanceShows(job.queued);
    await job.cancel();
    await passSeconds(controlReadSeconds);
    expect(job.stop.cause).toBe("cancelled");
  });

  test("does not hide that the job is somebody else's for longer than to the next renewal.", async () => {
    await using _heartbeat = job.beat();
    job.glanceShows(job.claimed);
    await job.change({ attempt: 2, owner: "runner-2" });
    await passSeconds(heartbeatSeconds + controlReadSeconds);
    expect(job.stop.cause).toBe("superseded");
  });
});

describe("The price of a cancel", () => {
  /** DynamoDB on demand, us-east-1, since 2024-11: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  const dollarsPerReadUnit = 0.125 / 1_000_000;
  /** An eventually consistent read of up to 4 KB is half a unit, a consistent one a whole. */
  const dollars = ({ glance, get }: { glance: number; get: number }) => (glance / 2 + get) * dollarsPerReadUnit;

  test("is at most $0.00001 for the ten minutes in which a runner looks for it, and it is seen within 5 s.", async () => {
    await using _heartbeat = job.beat();
    await passSeconds(600);
    expect(job.reads.glance).toBeGreaterThanOrEqual(600 / 5);
    expect(dollars(job.reads)).toBeLessThanOrEqual(0.00001);
    await job.cancel();
    await passSeconds(5);
    expect(job.stop.cause).toBe("cancelled");
  });

  test("is, for the renewals of ten minutes, no more writes than one in each time of a heartbeat.", async () => {
    let renewals = 0;
    const update: JobStore["update"] = (...given) => {
      renewals++;
      return job.jobs.update(...given);
    };
    await using _heartbeat = startHeartbeat({ jobs: { ...job.jobs, update }, now }, job.claimed, job.stop);
    await passSeconds(600);
    expect(renewals).toBeLessThanOrEqual(600 / heartbeatSeconds);
    expect(renewals).toBeGreaterThanOrEqual(Math.floor(600 / beatSeconds));
  });
});

test.each<Exclude<Trouble, undefined>>(["fails", "hangs"])(
  "A store that %s for long loses the job to its runner, well before the lease is over.",
  async (trouble) => {
    const heartbeat = job.beat();
    await passSeconds(beatSeconds);
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
    await passSeconds(beatSeconds - controlReadSeconds);
    job.trouble("fails");
    await passSeconds(heartbeatGiveUpSeconds - beatSeconds - controlReadSeconds);
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

describe("A claim that was long in coming", () => {
  test("has used up some of its lease: the job is given up as much sooner.", async () => {
    await passSeconds(60);
    await using _heartbeat = job.beat();
    job.trouble("fails");
    await passSeconds(heartbeatGiveUpSeconds - 60 - controlReadSeconds);
    expect(job.stop.cause).toBeUndefined();
    await passSeconds(2 * controlReadSeconds);
    expect(job.stop.cause).toBe("lost_contact");
  });

  test("is given up at once when somebody else may soon have the job.", async () => {
    await passSeconds(heartbeatGiveUpSeconds + 1);
    await using _heartbeat = job.beat();
    expect(job.stop.cause).toBe("lost_contact");
  });
});
