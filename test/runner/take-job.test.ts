import { beforeEach, expect, test, vi } from "vitest";
import { NewerSchema } from "../../core/errors.ts";
import { idleRunnerSeconds } from "../../core/limits.ts";
import type { JobHint, JobQueue, ReceivedHint } from "../../core/ports.ts";
import { takeJob } from "../../runner/take-job.ts";
import { inMemoryJobStore } from "../fakes/in-memory-job-store.ts";
import { fakeTime } from "../helpers/fake-time.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

const time = fakeTime();
const never = new AbortController().signal;

/** Answers with nothing after 20 s, as SQS does, and remembers which messages were deleted. */
function longPollingQueue() {
  const waiting: (JobHint | undefined)[] = [];
  const deleted: (JobHint | undefined)[] = [];
  let refusesDeletes = false;
  const queue: Pick<JobQueue, "receive"> = {
    async receive(signal): Promise<ReceivedHint | undefined> {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          setTimeout(resolve, 20_000);
          signal.addEventListener("abort", () => resolve());
        });
      }
      if (waiting.length === 0) return undefined;
      const hint = waiting.shift();
      return {
        hint,
        async delete() {
          if (refusesDeletes) throw new Error("the queue is away");
          deleted.push(hint);
        },
      };
    },
  };
  return {
    queue: { ...queue, send: async () => {} } satisfies JobQueue,
    deleted,
    arrive: (hint: JobHint | undefined) => void waiting.push(hint),
    refuseDeletes() {
      refusesDeletes = true;
    },
  };
}

let queue: ReturnType<typeof longPollingQueue>;
let jobs: ReturnType<typeof inMemoryJobStore>;

beforeEach(() => {
  queue = longPollingQueue();
  jobs = inMemoryJobStore();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  return () => vi.restoreAllMocks();
});

const take = (owner = "runner-1", signal = never) =>
  takeJob({ jobs, queue: queue.queue, now: () => new Date() }, owner, signal);

/** A job that waits for a runner; answers the hint of it. */
async function startingJob(task = "Say hello"): Promise<JobHint> {
  const spec = jobSpec({ task, options: { maxMinutes: 30 } });
  const record = queuedJob({ status: "starting", attempt: 1 }, spec);
  await jobs.create(record, spec);
  return { jobId: record.jobId, attempt: 1 };
}

test("A job is taken with what was asked for, its deadline counted from now, and its message deleted.", async () => {
  const hint = await startingJob("작업");
  queue.arrive(hint);
  expect(await take()).toMatchObject({
    spec: { task: "작업" },
    record: {
      ...{ jobId: hint.jobId, status: "running", owner: "runner-1", attempt: 1 },
      deadlineAt: new Date(Date.now() + 30 * 60_000).toISOString(),
    },
  });
  expect(queue.deleted).toEqual([hint]);
});

test("A job that comes while the runner waits is taken.", async () => {
  const taking = take();
  await time.pass(30_000);
  queue.arrive(await startingJob());
  await time.pass(20_000);
  expect(await taking).toBeDefined();
});

test("A message that is none of ours is dropped, and the next one is looked at.", async () => {
  const hint = await startingJob();
  queue.arrive(undefined);
  queue.arrive(hint);
  expect((await take())?.record.jobId).toBe(hint.jobId);
  expect(queue.deleted).toEqual([undefined, hint]);
});

test.each<[string, (hint: JobHint) => Promise<JobHint>]>([
  [
    "is another runner's",
    async (hint) => {
      await jobs.update(hint.jobId, { status: ["starting"] }, { status: "running", owner: "runner-2" });
      return hint;
    },
  ],
  ["is about an earlier attempt", async (hint) => ({ ...hint, attempt: 0 })],
  ["is about a job that does not exist", async (hint) => ({ ...hint, jobId: "01KB3Q9M6Y8Z4V5N7T2R1C0D9E" })],
  [
    "is about a job that was cancelled meanwhile",
    async (hint) => {
      await jobs.update(hint.jobId, { status: ["starting"] }, { status: "cancelled" });
      return hint;
    },
  ],
])("A hint that %s is deleted, and the runner takes the next job.", async (_, spoil) => {
  const lost = await spoil(await startingJob());
  const next = await startingJob();
  queue.arrive(lost);
  queue.arrive(next);
  expect((await take())?.record.jobId).toBe(next.jobId);
  expect(queue.deleted).toEqual([lost, next]);
});

test("A hint of a job that only a newer runner can read is left to one, and the next job is taken.", async () => {
  const [newer, next] = [await startingJob(), await startingJob()];
  const stored = jobs;
  jobs = {
    ...stored,
    get: (jobId) => (jobId === newer.jobId ? Promise.reject(new NewerSchema("schema 2")) : stored.get(jobId)),
  };
  queue.arrive(newer);
  queue.arrive(next);
  expect((await take())?.record.jobId).toBe(next.jobId);
  expect(queue.deleted).toEqual([next]);
  expect(await stored.get(newer.jobId)).toMatchObject({ status: "starting", owner: null });
});

test("A runner whose claim was stored although its answer was lost has the job.", async () => {
  const hint = await startingJob();
  const stored = jobs;
  jobs = {
    ...stored,
    async update(...given) {
      await stored.update(...given);
      return undefined;
    },
  };
  queue.arrive(hint);
  expect(await take()).toMatchObject({ record: { jobId: hint.jobId, status: "running", owner: "runner-1" } });
  expect(queue.deleted).toEqual([hint]);
});

test("Of many runners with the same hint exactly one takes the job.", async () => {
  const hint = await startingJob();
  for (let index = 0; index < 10; index++) queue.arrive(hint);
  const taking = Array.from({ length: 10 }, (_, index) => take(`runner-${index}`));
  await time.pass(2 * idleRunnerSeconds * 1_000);
  const taken = (await Promise.all(taking)).filter((job) => job !== undefined);
  expect(taken).toHaveLength(1);
  expect((await jobs.get(hint.jobId))?.owner).toBe(taken[0]?.record.owner);
});

test("A claimed job is run although its message could not be deleted.", async () => {
  queue.arrive(await startingJob());
  queue.refuseDeletes();
  expect(await take()).toMatchObject({ record: { status: "running" } });
});

test("A runner that finds no job for a while ends.", async () => {
  const taking = take();
  await time.pass(idleRunnerSeconds * 1_000);
  expect(await taking).toBeUndefined();
});

test("Foreign messages that keep coming do not keep a runner.", async () => {
  const taking = take();
  for (let seconds = 0; seconds < idleRunnerSeconds; seconds += 5) {
    queue.arrive(undefined);
    await time.pass(5_000);
  }
  await time.pass(20_000);
  expect(await taking).toBeUndefined();
});

test("A runner that is told to stop while it waits ends at once, and takes nothing.", async () => {
  const stop = new AbortController();
  const taking = take("runner-1", stop.signal);
  await time.pass(5_000);
  stop.abort();
  expect(await taking).toBeUndefined();
});

test("A store that fails leaves the message for another runner.", async () => {
  const hint = await startingJob();
  queue.arrive(hint);
  jobs = { ...jobs, update: () => Promise.reject(new Error("the store is away")) };
  await expect(take()).rejects.toThrow("the store is away");
  expect(queue.deleted).toEqual([]);
});
