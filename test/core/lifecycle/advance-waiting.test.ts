import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import type { JobRecord } from "../../../core/job.ts";
import { advanceWaiting } from "../../../core/lifecycle/advance-waiting.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { launchSettleSeconds, maximumCapacityWaitHours } from "../../../core/limits.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle, orderedIds } from "../../helpers/lifecycle.ts";

const succeeded = { status: "succeeded", reason: null } as const;
const newLife = (maximumConcurrentJobs?: number) => new Lifecycle(inMemoryStores(), maximumConcurrentJobs);

/** Jobs that were admitted when there was no room for a runner. */
async function dueJobs(life: Lifecycle, count: number, more: Partial<JobRecord> = {}): Promise<JobRecord[]> {
  life.launcher.hasRoomFor(0);
  const jobs: JobRecord[] = [];
  for (const jobId of orderedIds(count)) jobs.push(await life.submitted({ ...more, jobId }));
  return jobs;
}

describe("a job that finds no room for a runner", () => {
  test("stays starting, keeps its slot, and says what it waits for", async () => {
    const life = newLife();
    life.launcher.hasRoomFor(0);

    const job = await life.submitted();

    expect(job).toMatchObject({ status: "starting", attempt: 1, waiting: "capacity", startUntil: null });
    expect(await life.holdsSlot(job)).toBe(true);
    expect(await Array.fromAsync(life.jobs.listLive("due"))).toEqual([job.jobId]);
    expect(life.queue.sent).toEqual([]);
    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "job_waiting"]);
    expect(history[1]).toMatchObject({ seq: 2, attempt: 1, data: { reason: "capacity" } });
  });

  test("is tried again until there is room, and says only once that it waits", async () => {
    const life = newLife();
    const [job] = await dueJobs(life, 1);
    if (!job) throw new Error("the job is missing");
    for (const _ of upTo(5)) {
      life.clock.pass(60);
      await reconcileJobs(life);
    }
    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, lostLaunches: 0 });

    life.launcher.hasRoomFor(1);
    await advanceWaiting(life);

    expect(life.launcher.launches).toMatchObject([{ jobId: job.jobId, attempt: 1 }]);
    expect(life.queue.sent).toEqual([{ jobId: job.jobId, attempt: 1 }]);
    expect(await life.claimed(await life.row(job.jobId))).toMatchObject({ status: "running", waiting: null });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
  });

  test("is launched once by ten who try at once", async () => {
    const life = newLife();
    const [job] = await dueJobs(life, 1);
    life.launcher.hasRoomFor(10);

    await Promise.all(upTo(10).map(() => advanceWaiting(life)));

    expect(life.launcher.launches).toMatchObject([{ jobId: job?.jobId }]);
    expect(await life.launcher.listAlive()).toHaveLength(1);
  });

  test("waits for a day, counted from its slot, and no longer", async () => {
    const life = newLife();
    life.clock.pass(7_200);
    const [job] = await dueJobs(life, 1);
    if (!job) throw new Error("the job is missing");
    life.clock.pass(maximumCapacityWaitHours * 3_600);
    await advanceWaiting(life);
    expect((await life.row(job.jobId)).status).toBe("starting");

    life.clock.pass(1);
    await advanceWaiting(life);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "failed",
      waiting: null,
      reason: {
        code: "no_capacity",
        message: "No runner could be started for 24 hours: RESOURCE:CPU",
        retryable: true,
      },
    });
    expect(await life.holdsSlot(job)).toBe(false);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting", "job_finished"]);
  });

  test("is not tried once another was refused for lack of room", async () => {
    const life = newLife();
    const jobs = await dueJobs(life, 4);
    life.launcher.hasRoomFor(1);

    await advanceWaiting(life);

    // The first got the room, the second was refused, and of the others nobody asked.
    const launches = (await life.rows(jobs.map(({ jobId }) => jobId))).map((job) => job.launches);
    expect(launches).toEqual([2, 2, 1, 1]);
    expect(life.launcher.launches.map(({ jobId }) => jobId)).toEqual([jobs[0]?.jobId]);
  });

  test("does not keep a job of another tenant from its slot", async () => {
    const life = newLife();
    await dueJobs(life, 2);

    const other = await life.submitted();

    expect(other).toMatchObject({ status: "starting", waiting: "capacity" });
    expect(await life.holdsSlot(other)).toBe(true);
  });

  test("is left alone when somebody else has launched it since, whatever the list of what is due still says", async () => {
    const life = newLife();
    const [job] = await dueJobs(life, 1);
    if (!job) throw new Error("the job is missing");
    life.launcher.hasRoomFor(10);
    await advanceWaiting(life);
    const launched = await life.row(job.jobId);
    async function* listLive() {
      yield job?.jobId ?? "";
    }

    await advanceWaiting({ ...life, jobs: { ...life.jobs, listLive } });

    expect(await life.row(job.jobId)).toEqual(launched);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("is left alone when it was cancelled since", async () => {
    const life = newLife();
    const [job] = await dueJobs(life, 1);
    if (!job) throw new Error("the job is missing");
    expect(await cancelJob(life, job)).toMatchObject({ status: "cancelled", waiting: null });
    life.launcher.hasRoomFor(1);

    await advanceWaiting(life);

    expect(life.launcher.launches).toEqual([]);
    expect(await life.holdsSlot(job)).toBe(false);
    expect(await life.isLive(job.jobId)).toBe(false);
  });
});

describe("a job whose launch is refused for good", () => {
  test("ends, frees its slot, and the next one has its turn", async () => {
    const life = newLife();
    const [first, second] = await dueJobs(life, 2);
    if (!first || !second) throw new Error("jobs are missing");
    life.launcher.refuse("The task definition does not exist.");

    await advanceWaiting(life);

    for (const job of [first, second]) {
      expect(await life.row(job.jobId)).toMatchObject({
        status: "failed",
        reason: { code: "runner_never_started", message: "The task definition does not exist." },
      });
      expect(await life.holdsSlot(job)).toBe(false);
    }
  });
});

describe("when a runner has ended", () => {
  test("the oldest job of each tenant that waits for a slot goes on", async () => {
    const life = newLife(1);
    const tenants = await Promise.all(
      upTo(3).map(async () => {
        const tenantId = `tenant-${ulid()}`;
        const [first = "", second = "", third = ""] = orderedIds(3);
        const running = await life.running({ jobId: first, tenantId });
        for (const jobId of [second, third]) await life.submitted({ jobId, tenantId });
        return { running, second, third };
      }),
    );
    for (const { running } of tenants) await finishJob(life, running, succeeded);

    const { errors } = await advanceWaiting(life);

    expect(errors).toEqual([]);
    for (const { second, third } of tenants) {
      expect(await life.rows([second, third])).toMatchObject([{ status: "starting" }, { status: "queued" }]);
    }
  });

  test("a launch that fails ends the turn of what is due, is told of, and no job is lost by it", async () => {
    const life = newLife(1);
    const due = await dueJobs(life, 3);
    const ids = due.map(({ jobId }) => jobId);
    life.launcher.hasRoomFor(10);
    life.launcher.failOnce(new Error("Rate exceeded"));

    const { errors } = await advanceWaiting(life);

    expect(errors).toEqual([{ about: ids[0], error: new Error("Rate exceeded") }]);
    expect((await life.rows(ids)).map(({ launches }) => launches)).toEqual([2, 1, 1]);
    expect((await advanceWaiting(life)).errors).toEqual([]);
    expect(life.launcher.launches.map(({ jobId }) => jobId)).toEqual(ids);
  });

  test("a launch that fails keeps no tenant from its free slots", async () => {
    const life = newLife(1);
    const running = await life.running();
    const waiting = await life.submitted({ tenantId: running.tenantId });
    await finishJob(life, running, succeeded);
    await dueJobs(life, 1);
    life.launcher.hasRoomFor(10);
    life.launcher.failOnce(new Error("Rate exceeded"));

    await advanceWaiting(life);

    expect((await life.row(waiting.jobId)).status).toBe("starting");
    expect(life.launcher.launches.at(-1)).toMatchObject({ jobId: waiting.jobId });
  });

  test("a tenant whose job cannot be launched does not keep the others from their turn", async () => {
    const life = newLife(1);
    const running = [await life.running(), await life.running()];
    const waiting: JobRecord[] = [];
    for (const job of running) {
      waiting.push(await life.submitted({ tenantId: job.tenantId }));
      await finishJob(life, job, succeeded);
    }
    life.launcher.failOnce(new Error("Rate exceeded"));

    const { errors } = await advanceWaiting(life);

    expect(errors).toMatchObject([{ about: `tenant ${running[0]?.tenantId}`, error: new Error("Rate exceeded") }]);
    const rows = await life.rows(waiting.map(({ jobId }) => jobId));
    expect(rows.map(({ status }) => status)).toEqual(["starting", "starting"]);
    expect(life.launcher.launches.slice(2)).toMatchObject([{ jobId: waiting[1]?.jobId }]);
  });
});

test("A process that dies at any of its steps leaves what is due to be launched once", async () => {
  const deaths = await withEveryDeath(async (dieIn) => {
    const life = newLife();
    const [job] = await dueJobs(life, 1);
    if (!job) throw new Error("the job is missing");
    life.launcher.hasRoomFor(5);

    await dieIn(life, advanceWaiting);
    life.clock.pass(launchSettleSeconds);
    await reconcileJobs(life);

    expect(await life.launcher.listAlive()).toHaveLength(1);
    expect(life.queue.sent).toContainEqual({ jobId: job.jobId, attempt: 1 });
    expect(await life.claimed(await life.row(job.jobId))).toMatchObject({ status: "running", attempt: 1 });
  });
  expect(deaths).toBe(4);
});

test("A process that dies at any of its steps while a job finds no room leaves it waiting for room", async () => {
  const deaths = await withEveryDeath(async (dieIn) => {
    const life = newLife();
    life.launcher.hasRoomFor(0);
    const job = await life.accepted();

    await dieIn(life, reconcileJobs);
    life.clock.pass(launchSettleSeconds);
    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, waiting: "capacity" });
    expect(await life.holdsSlot(job)).toBe(true);
    expect(await Array.fromAsync(life.jobs.listLive("due"))).toEqual([job.jobId]);
  });
  expect(deaths).toBeGreaterThan(8);
});

test("While there is no room for a runner that is due, no other job is admitted to be refused as well", async () => {
  const life = newLife(1);
  const [due] = await dueJobs(life, 1);
  const tenantId = `tenant-${ulid()}`;
  life.launcher.hasRoomFor(1);
  const running = await life.running({ tenantId });
  const waiting = await life.submitted({ tenantId });
  await finishJob(life, running, succeeded);

  await advanceWaiting(life);

  expect((await life.row(due?.jobId ?? "")).waiting).toBe("capacity");
  expect((await life.row(waiting.jobId)).status).toBe("queued");
});
