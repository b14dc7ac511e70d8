import { describe, expect, test } from "vitest";
import type { JobRecord } from "../../../core/job.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { endIfRunnerFails } from "../../../core/lifecycle/lost-runners.ts";
import { runnerTasks } from "../../../core/lifecycle/runner-tasks.ts";
import { cancelGraceSeconds, deadlineGraceSeconds, leaseSeconds } from "../../../core/limits.ts";
import { texts } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();

async function look(life: Lifecycle, job: JobRecord): Promise<void> {
  await endIfRunnerFails(life, job, await runnerTasks(life.launcher, await life.launcher.listAlive(), [job]));
}

/** So long after its start, with a lease that its runner still renews. */
async function runningFor(life: Lifecycle, seconds: number): Promise<JobRecord> {
  const job = await life.running();
  life.clock.pass(seconds);
  return life.renewed(job);
}

/** The runner does what it does at the very moment when its task is told to stop. */
function whileStopping(life: Lifecycle, act: () => Promise<unknown>): void {
  const stop = life.launcher.stop;
  life.launcher.stop = async (taskId, why) => {
    await act();
    await stop(taskId, why);
  };
}

describe("a running job", () => {
  test("whose runner lives and has its lease is left alone", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.clock.pass(leaseSeconds);

    await look(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.stops).toEqual([]);
  });

  test("whose runner's task has stopped is taken back at once", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.launcher.end(job.owner ?? "");

    await look(life, job);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 2, owner: null, startUntil: null });
    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost"]);
    expect(history[1]).toMatchObject({ data: { detail: "The runner's task has stopped." } });
    expect(await life.holdsSlot(job)).toBe(true);
  });

  test("whose runner's task nobody remembers is left alone for as long as it has its lease", async () => {
    const life = new Lifecycle(stores);
    const job = { ...(await life.running()), owner: "worker/1" };
    await life.jobs.update(job.jobId, { status: ["running"] }, { owner: job.owner });

    await look(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("whose lease is over is taken back, and its task is stopped first", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);
    let statusWhenStopped = "";
    whileStopping(life, async () => {
      statusWhenStopped = (await life.row(job.jobId)).status;
    });

    await look(life, job);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 2 });
    expect(life.launcher.stops).toEqual([{ taskId: job.owner, why: "The lease of its job is over." }]);
    expect(statusWhenStopped).toBe("running");
  });

  test("whose lease is over stays its runner's for as long as the task cannot be stopped", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);
    whileStopping(life, () => Promise.reject(new Error("Rate exceeded")));

    await expect(look(life, job)).rejects.toThrow("Rate exceeded");

    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("whose runner renews the lease while one looks stays its runner's", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);
    whileStopping(life, () => life.renewed(job));

    await look(life, job);

    expect(await life.row(job.jobId)).toEqual({
      ...job,
      leaseUntil: life.now().getTime() + leaseSeconds * 1_000,
    });
  });

  test("whose runner ends it while one looks has ended as the runner says", async () => {
    const life = new Lifecycle(stores);
    const job = await life.running();
    life.clock.pass(leaseSeconds + 1);
    whileStopping(life, () => finishJob(life, job, { status: "succeeded", reason: null }));

    await look(life, job);

    expect(await life.row(job.jobId)).toMatchObject({ status: "succeeded", attempt: 1 });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await life.holdsSlot(job)).toBe(false);
  });

  test.each(["owner", "leaseUntil", "deadlineAt"] as const)(
    "without %s is a broken row, and said to be",
    async (name) => {
      const life = new Lifecycle(stores);
      const job = await life.running();

      await expect(look(life, { ...job, [name]: null })).rejects.toThrow(job.jobId);
    },
  );
});

describe("a running job that was cancelled", () => {
  test("is left to its runner for a while", async () => {
    const life = new Lifecycle(stores);
    const asked = await cancelJob(life, await life.running());
    life.clock.pass(cancelGraceSeconds);

    await look(life, asked);

    expect(await life.row(asked.jobId)).toEqual(asked);
    expect(life.launcher.stops).toEqual([]);
  });

  test("and does not end is ended as cancelled, and its task is stopped first", async () => {
    const life = new Lifecycle(stores);
    const asked = await cancelJob(life, await life.running());
    life.clock.pass(cancelGraceSeconds + 1);

    await look(life, asked);

    expect(life.launcher.stops).toEqual([{ taskId: asked.owner, why: "Its job was cancelled." }]);
    expect(await life.row(asked.jobId)).toMatchObject({
      status: "cancelled",
      attempt: 1,
      reason: { code: "cancelled_by_user", message: "The runner did not obey the cancel and was stopped." },
    });
    expect(texts(await life.history(asked.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await life.isLive(asked.jobId)).toBe(false);
    expect(await life.holdsSlot(asked)).toBe(false);
  });

  test("and whose runner renews the lease while its task is stopped is cancelled at the next look", async () => {
    const life = new Lifecycle(stores);
    const asked = await cancelJob(life, await life.running());
    life.clock.pass(cancelGraceSeconds + 1);
    whileStopping(life, () => life.renewed(asked));

    await look(life, asked);
    expect((await life.row(asked.jobId)).status).toBe("running");
    await look(life, await life.row(asked.jobId));

    expect(await life.row(asked.jobId)).toMatchObject({ status: "cancelled", attempt: 1 });
  });

  test.each([
    ["whose task has stopped", 0],
    ["whose lease is over", leaseSeconds + 1],
  ])("%s is cancelled, and not started again", async (how, seconds) => {
    const life = new Lifecycle(stores);
    const asked = await cancelJob(life, await life.running());
    if (how === "whose task has stopped") life.launcher.end(asked.owner ?? "");
    life.clock.pass(seconds);

    await look(life, asked);

    expect(await life.row(asked.jobId)).toMatchObject({
      status: "cancelled",
      attempt: 1,
      reason: { code: "cancelled_by_user" },
    });
    expect(await life.holdsSlot(asked)).toBe(false);
  });
});

describe("a running job at its deadline", () => {
  test("is left to its runner for a while", async () => {
    const life = new Lifecycle(stores);
    const job = await runningFor(life, 60 * 60 + deadlineGraceSeconds);

    await look(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.stops).toEqual([]);
  });

  test("that its runner does not end is timed out, and its task is stopped first", async () => {
    const life = new Lifecycle(stores);
    const job = await runningFor(life, 60 * 60 + deadlineGraceSeconds + 1);

    await look(life, job);

    expect(await life.row(job.jobId)).toMatchObject({ status: "timed_out", reason: { code: "deadline_exceeded" } });
    expect(life.launcher.stops).toEqual([{ taskId: job.owner, why: "The deadline of its job is over." }]);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });
});
