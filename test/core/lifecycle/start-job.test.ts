import { expect, test } from "vitest";
import { startJob } from "../../../core/lifecycle/start-job.ts";
import { startSeconds } from "../../../core/limits.ts";
import { upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();

test("A queued job becomes starting, with one hint and one runner for its first attempt", async () => {
  const life = new Lifecycle(stores);
  const job = await life.accepted();

  await startJob(life, job);

  const hint = { jobId: job.jobId, attempt: 1 };
  expect(await life.row(job.jobId)).toEqual({
    ...job,
    status: "starting",
    attempt: 1,
    startUntil: life.now().getTime() + startSeconds * 1_000,
  });
  expect(life.queue.sent).toEqual([hint]);
  expect(life.launcher.launches).toEqual([hint]);
});

test("Of ten who start a job at once, one launches a runner", async () => {
  const life = new Lifecycle(stores);
  const job = await life.accepted();

  await Promise.all(upTo(10).map(() => startJob(life, job)));

  expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1 }]);
  expect((await life.row(job.jobId)).attempt).toBe(1);
});

test.each(["running", "succeeded", "failed", "cancelled", "timed_out"] as const)(
  "A job that is %s is not started",
  async (status) => {
    const life = new Lifecycle(stores);
    const job = await life.accepted({ status });

    await startJob(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.queue.sent).toEqual([]);
    expect(life.launcher.launches).toEqual([]);
  },
);

test("A job of which an older row is held is not started", async () => {
  const life = new Lifecycle(stores);
  const old = await life.accepted();
  await startJob(life, old);
  const job = await life.row(old.jobId);
  life.clock.pass(1);

  await startJob(life, old);

  expect(await life.row(old.jobId)).toEqual(job);
  expect(life.queue.sent).toHaveLength(1);
});

test("A launch that is refused ends the job, with what the refusal said", async () => {
  const life = new Lifecycle(stores);
  life.launcher.refuse("Capacity is unavailable at this time.");
  const job = await life.accepted();

  await startJob(life, job);

  expect(await life.row(job.jobId)).toMatchObject({
    status: "failed",
    reason: { code: "runner_never_started", message: "Capacity is unavailable at this time.", retryable: true },
    endedAt: life.now().toISOString(),
    lastSeq: 2,
  });
  expect(await life.isLive(job.jobId)).toBe(false);
});

test("A launch that fails for another reason leaves the job starting, for reconcile to take up", async () => {
  const life = new Lifecycle(stores);
  life.launcher.failOnce(new Error("Rate exceeded"));
  const job = await life.accepted();

  await expect(startJob(life, job)).rejects.toThrow("Rate exceeded");

  expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, reason: null });
  expect(await life.isLive(job.jobId)).toBe(true);
});

test("A hint that cannot be sent leaves the job starting, and no runner is launched for nothing", async () => {
  const life = new Lifecycle(stores);
  life.queue.failOnce(new Error("no queue"));
  const job = await life.accepted();

  await expect(startJob(life, job)).rejects.toThrow("no queue");

  expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1 });
  expect(life.launcher.launches).toEqual([]);
});
