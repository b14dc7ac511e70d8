import { describe, expect, test } from "vitest";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { deadlineGraceSeconds, launchSettleSeconds, leaseSeconds, startSeconds } from "../../../core/limits.ts";
import { texts } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();

/** A life of its own on the shared table: what other tests have left is settled first. */
async function newLife(): Promise<Lifecycle> {
  const life = new Lifecycle(stores);
  for await (const jobId of stores.jobs.listLive()) {
    const { status } = await life.row(jobId);
    await stores.jobs.update(jobId, { status: [status] }, { settled: true, lastSeq: 0 });
  }
  return life;
}

describe("a queued job", () => {
  test("whose start was forgotten is started", async () => {
    const life = await newLife();
    const job = await life.accepted();

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1 });
    expect(life.queue.sent).toEqual([{ jobId: job.jobId, attempt: 1 }]);
    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1 }]);
  });
});

describe("a starting job", () => {
  test("whose runner is on its way is left alone, however often one looks", async () => {
    const life = await newLife();
    const job = await life.starting();

    for (const seconds of [0, launchSettleSeconds, startSeconds - launchSettleSeconds - 1]) {
      life.clock.pass(seconds);
      await reconcileJobs(life);
    }

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("whose runner is gone is left alone for as long as ECS may not have listed it yet", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds - 1);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("whose runner is gone is started again, as the next attempt", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "starting",
      attempt: 2,
      startUntil: life.now().getTime() + startSeconds * 1_000,
    });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 2 });
  });

  test("that was never launched, a crash having come between, is started again", async () => {
    const life = await newLife();
    const job = await life.accepted();
    life.launcher.failOnce(new Error("Rate exceeded"));
    await expect(reconcileJobs(life)).rejects.toThrow();
    life.clock.pass(launchSettleSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 2 });
    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 2 }]);
  });

  test("whose runner takes longer than it may is started again", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.clock.pass(startSeconds);

    await reconcileJobs(life);

    expect((await life.row(job.jobId)).attempt).toBe(2);
  });

  test("has failed when its third runner is gone too", async () => {
    const life = await newLife();
    const { jobId } = await life.starting();
    for (const attempt of [1, 2, 3]) {
      life.launcher.end(life.launcher.taskOf({ jobId, attempt }));
      life.clock.pass(launchSettleSeconds);
      await reconcileJobs(life);
    }

    expect(life.launcher.launches).toHaveLength(3);
    expect(await life.row(jobId)).toMatchObject({
      status: "failed",
      attempt: 3,
      reason: { code: "runner_never_started" },
      lastSeq: 2,
    });
    expect(await life.isLive(jobId)).toBe(false);
  });
});

describe("a running job", () => {
  test("whose runner lives and has its lease is left alone", async () => {
    const life = await newLife();
    const job = await life.running();
    life.clock.pass(leaseSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.stops).toEqual([]);
  });

  test("whose runner's task has stopped is lost at once", async () => {
    const life = await newLife();
    const job = await life.running();
    life.launcher.end(job.owner ?? "");

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "failed",
      reason: { code: "runner_lost", message: "The runner's task has stopped.", retryable: true },
      lastSeq: 3,
    });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "runner_lost", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
  });

  test("whose runner's task nobody remembers is left alone for as long as it has its lease", async () => {
    const life = await newLife();
    const job = await life.running();
    const elsewhere = { ...job, owner: "worker/1" };
    await life.jobs.update(job.jobId, { status: ["running"] }, { owner: elsewhere.owner });

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual(elsewhere);
  });

  test("whose lease is over is lost, and its task is stopped first", async () => {
    const life = await newLife();
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "failed", reason: { code: "runner_lost" } });
    expect(life.launcher.stops).toEqual([{ taskId: job.owner, why: "The lease of its job is over." }]);
  });

  test("whose runner renews the lease while one looks stays its runner's", async () => {
    const life = await newLife();
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);
    const renewed = life.now().getTime() + leaseSeconds * 1_000;
    const stop = life.launcher.stop;
    life.launcher.stop = async (taskId, why) => {
      await life.jobs.update(job.jobId, { status: ["running"] }, { leaseUntil: renewed });
      await stop(taskId, why);
    };

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual({ ...job, leaseUntil: renewed });
  });

  test("that was to be cancelled when its runner was lost counts as cancelled", async () => {
    const life = await newLife();
    const job = await life.running();
    await cancelJob(life, job);
    life.launcher.end(job.owner ?? "");

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "cancelled", reason: { code: "cancelled_by_user" } });
  });

  test("is left to its runner for a while after its deadline", async () => {
    const life = await newLife();
    const job = await runningPastDeadline(life, deadlineGraceSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.stops).toEqual([]);
  });

  test("that its runner does not end at the deadline is timed out, and its task is stopped first", async () => {
    const life = await newLife();
    const job = await runningPastDeadline(life, deadlineGraceSeconds + 1);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "timed_out", reason: { code: "deadline_exceeded" } });
    expect(life.launcher.stops).toEqual([{ taskId: job.owner, why: "The deadline of its job is over." }]);
    expect(await life.isLive(job.jobId)).toBe(false);
  });

  /** So long after its deadline, with a lease that its runner still renews. */
  async function runningPastDeadline(life: Lifecycle, seconds: number) {
    const { jobId } = await life.running();
    life.clock.pass(60 * 60 + seconds);
    const leaseUntil = life.now().getTime() + leaseSeconds * 1_000;
    const job = await life.jobs.update(jobId, { status: ["running"] }, { leaseUntil });
    if (job === undefined) throw new Error("The lease could not be renewed.");
    return job;
  }
});

describe("an ended job", () => {
  test("that was not settled is settled", async () => {
    const life = await newLife();
    const { jobId } = await life.running();
    await life.jobs.update(jobId, { status: ["running"] }, { status: "cancelled" });

    await reconcileJobs(life);

    expect((await life.row(jobId)).lastSeq).toBe(2);
    expect(await life.isLive(jobId)).toBe(false);
  });
});

test("One job that cannot be reconciled does not keep the others from it, and is told of", async () => {
  const life = await newLife();
  const jobs = [await life.accepted(), await life.accepted(), await life.accepted()];
  life.launcher.failOnce(new Error("Rate exceeded"));

  await expect(reconcileJobs(life)).rejects.toThrow(AggregateError);

  const rows = await Promise.all(jobs.map(({ jobId }) => life.row(jobId)));
  expect(rows.map(({ status }) => status)).toEqual(["starting", "starting", "starting"]);
  expect(life.launcher.launches).toHaveLength(2);
});

test("Several that reconcile at once do each thing once", async () => {
  const life = await newLife();
  const queued = await life.accepted();
  const lost = await life.running();
  life.launcher.end(lost.owner ?? "");
  const before = life.launcher.launches.length;

  await Promise.all([reconcileJobs(life), reconcileJobs(life), reconcileJobs(life)]);

  expect(life.launcher.launches.slice(before)).toEqual([{ jobId: queued.jobId, attempt: 1 }]);
  expect(texts(await life.history(lost.jobId))).toEqual(["job_queued", "runner_lost", "job_finished"]);
});
