import { describe, expect, test } from "vitest";
import { launchAgain, startJob } from "../../../core/lifecycle/start-job.ts";
import { maximumCapacityWaitHours, startSeconds } from "../../../core/limits.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();

test("A queued job becomes starting, with one hint and one runner for its first attempt", async () => {
  const life = new Lifecycle(stores);
  const job = await life.accepted();

  expect(await startJob(life, job)).toBe("launched");

  const hint = { jobId: job.jobId, attempt: 1 };
  expect(await life.row(job.jobId)).toEqual({
    ...job,
    status: "starting",
    attempt: 1,
    launches: 1,
    startingSince: life.now().toISOString(),
    startUntil: life.now().getTime() + startSeconds * 1_000,
  });
  expect(life.queue.sent).toEqual([hint]);
  expect(life.launcher.launches).toEqual([{ ...hint, launch: 1 }]);
});

test("The hint comes after the runner, so that there are never more hints than runners", async () => {
  const life = new Lifecycle(stores);
  const job = await life.accepted();
  let runners = 0;
  const send = life.queue.send;
  life.queue.send = async (hint) => {
    runners = life.launcher.launches.length;
    await send(hint);
  };

  await startJob(life, job);

  expect(runners).toBe(1);
});

test("Of ten who start a job at once, one launches a runner", async () => {
  const life = new Lifecycle(stores);
  const job = await life.accepted();

  const answers = await Promise.all(upTo(10).map(() => startJob(life, job)));

  expect(answers.toSorted()).toEqual(["launched", ...Array(9).fill("not_wanted")]);
  expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1, launch: 1 }]);
  expect((await life.row(job.jobId)).attempt).toBe(1);
});

test.each(["running", "succeeded", "failed", "cancelled", "timed_out"] as const)(
  "A job that is %s is not started",
  async (status) => {
    const life = new Lifecycle(stores);
    const job = await life.accepted({ status });

    expect(await startJob(life, job)).toBe("not_wanted");

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

test("A launch that is refused ends the job, with what the refusal said, and frees its slot", async () => {
  const life = new Lifecycle(stores);
  life.launcher.refuse("The task definition does not exist.");

  const job = await life.submitted();

  expect(await life.row(job.jobId)).toMatchObject({
    status: "failed",
    reason: { code: "runner_never_started", message: "The task definition does not exist.", retryable: true },
    endedAt: life.now().toISOString(),
    lastSeq: 2,
  });
  expect(await life.holdsSlot(job)).toBe(false);
  expect(await life.isLive(job.jobId)).toBe(false);
});

test("A launch that finds no room leaves the job starting and due, and no runner is promised to it", async () => {
  const life = new Lifecycle(stores);
  life.launcher.hasRoomFor(0);
  const job = await life.accepted();

  expect(await startJob(life, job)).toBe("no_capacity");

  const row = { status: "starting", attempt: 1, launches: 1, startUntil: null, waiting: "capacity", reason: null };
  expect(await life.row(job.jobId)).toMatchObject(row);
  expect(await Array.fromAsync(life.jobs.listLive("due"))).toContain(job.jobId);
  expect(life.queue.sent).toEqual([]);
  expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
});

describe.each(["launcher", "queue"] as const)("a launch that fails for another reason: the %s", (port) => {
  test("leaves the job starting and due, and is passed on to be told of", async () => {
    const life = new Lifecycle(stores);
    life[port].failOnce(new Error("Rate exceeded"));
    const job = await life.accepted();

    await expect(startJob(life, job)).rejects.toThrow("Rate exceeded");

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, startUntil: null, reason: null });
    expect(await Array.fromAsync(life.jobs.listLive("due"))).toContain(job.jobId);
    expect(life.queue.sent).toEqual([]);
  });

  test("ends the job once it has gone on for a day", async () => {
    const life = new Lifecycle(stores);
    life[port].failOnce(new Error("Rate exceeded"));
    const job = await life.accepted();
    await expect(startJob(life, job)).rejects.toThrow();
    life.clock.pass(maximumCapacityWaitHours * 3_600 + 1);
    life[port].failOnce(new Error("Rate exceeded"));

    await expect(launchAgain(life, await life.row(job.jobId))).rejects.toThrow();

    expect(await life.row(job.jobId)).toMatchObject({
      status: "failed",
      reason: { code: "no_capacity", message: "No runner could be started for 24 hours: Rate exceeded" },
    });
    expect(await life.isLive(job.jobId)).toBe(false);
  });
});

describe("launching again", () => {
  test("is the same attempt's next launch, with a hint of its own", async () => {
    const life = new Lifecycle(stores);
    const job = await life.starting();
    life.clock.pass(60);

    expect(await launchAgain(life, job, { lostLaunches: 1 })).toBe("launched");

    const startUntil = life.now().getTime() + startSeconds * 1_000;
    expect(await life.row(job.jobId)).toEqual({ ...job, launches: 2, lostLaunches: 1, startUntil });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 1, launch: 2 });
    expect(life.queue.sent).toHaveLength(2);
  });

  test("by ten at once launches one", async () => {
    const life = new Lifecycle(stores);
    const job = await life.starting();

    const answers = await Promise.all(upTo(10).map(() => launchAgain(life, job)));

    expect(answers.filter((answer) => answer === "launched")).toHaveLength(1);
    expect(life.launcher.launches).toHaveLength(2);
  });

  test("of a job that was claimed meanwhile launches nothing", async () => {
    const life = new Lifecycle(stores);
    const job = await life.starting();
    const claimed = await life.claimed(job);

    expect(await launchAgain(life, job)).toBe("not_wanted");

    expect(await life.row(job.jobId)).toEqual(claimed);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("finds no room twice and says once that the job waits", async () => {
    const life = new Lifecycle(stores);
    life.launcher.hasRoomFor(0);
    const job = await life.starting();

    expect(await launchAgain(life, job)).toBe("no_capacity");

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
  });
});
