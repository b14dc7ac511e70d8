import { describe, expect, test } from "vitest";
import { appendEvents } from "../../../core/lifecycle/append-events.ts";
import { type Ending, finishJob, settleJob } from "../../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { reasonOf } from "../../../core/reasons.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { output, texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();
const life = new Lifecycle(stores);
const succeeded: Ending = {
  status: "succeeded",
  reason: null,
  verdict: { schema: 1, verdict: "pass", summary: "ok" },
};
const failed: Ending = { status: "failed", reason: reasonOf("stage_failed", "The executor exited with code 1.") };

describe("finishing", () => {
  test("ends the job, says so in its last event, and takes it out of the live jobs", async () => {
    const job = await life.running();

    const ended = await finishJob(life, job, succeeded);

    expect(ended).toEqual({ ...job, ...succeeded, endedAt: life.now().toISOString() });
    expect(await life.row(job.jobId)).toEqual({ ...ended, lastSeq: 2 });
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
    expect((await life.history(job.jobId)).at(-1)).toEqual({
      seq: 2,
      ts: life.now().toISOString(),
      type: "job_finished",
      attempt: 1,
      data: { status: "succeeded", verified: true, reason: null, usage: null, costUsd: null },
    });
  });

  test("puts its last event behind what the runner has written, by the runner's own tail", async () => {
    const job = await life.running();
    const writer = { jobId: job.jobId, attempt: job.attempt, tail: undefined };
    await appendEvents(life.events, writer, [output("a"), output("b")]);

    await finishJob(life, job, failed, { writer });

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "a", "b", "job_finished"]);
    expect((await life.row(job.jobId)).lastSeq).toBe(4);
  });

  test.each(["waits for a slot", "is due"] as const)("takes a job that %s out of the live jobs too", async (how) => {
    const crowded = new Lifecycle(stores, how === "waits for a slot" ? 1 : 2);
    const { tenantId } = await crowded.running();
    if (how === "is due") crowded.launcher.hasRoomFor(0);
    const job = await crowded.submitted({ tenantId });

    expect(await finishJob(crowded, job, failed)).toMatchObject({ status: "failed", waiting: null });

    expect(await crowded.isLive(job.jobId)).toBe(false);
    expect(await crowded.holdsSlot(job)).toBe(false);
  });

  test("leaves no pane running", async () => {
    const job = await life.running();
    const [planner, executor, verifier] = job.panes;
    if (!planner || !executor || !verifier) throw new Error("panes are missing");
    const panes = [
      { ...planner, status: "exited" as const, exitCode: 0 },
      { ...executor, status: "running" as const },
      verifier,
    ];

    const ended = await finishJob(life, { ...job, panes }, failed);

    expect(ended?.panes).toEqual([panes[0], { role: "executor", status: "exited", exitCode: null }, verifier]);
  });

  test("with the loss of the runner tells that before the end", async () => {
    const job = await life.running();

    await finishJob(life, job, { status: "failed", reason: reasonOf("runner_lost", "The lease is over.") });

    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost", "job_finished"]);
    expect(history[1]?.data).toEqual({ detail: "The lease is over." });
    expect((await life.row(job.jobId)).lastSeq).toBe(3);
  });

  test.each<[what: string, seen: object]>([
    ["another attempt", { attempt: 2 }],
    ["another owner", { owner: "task/other" }],
    ["another status", { status: "starting" }],
    ["an end already", { status: "failed" }],
  ])("does nothing if the row has %s than was seen", async (_what, seen) => {
    const job = await life.running();

    expect(await finishJob(life, { ...job, ...seen }, failed)).toBeUndefined();

    expect(await life.row(job.jobId)).toEqual(job);
    expect(await life.history(job.jobId)).toHaveLength(1);
  });

  test("does nothing if what the guard adds does not hold", async () => {
    const job = await life.running();

    expect(await finishJob(life, job, failed, { guard: { leaseUntil: 1 } })).toBeUndefined();
    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("by ten at once, each with another end, is done by one and told once", async () => {
    const job = await life.running();
    const endings: Ending[] = upTo(10).map((number) => ({
      status: "failed",
      reason: reasonOf("stage_failed", `${number}`),
    }));

    const answers = await Promise.all(endings.map((ending) => finishJob(life, job, ending)));

    const winners = answers.filter((answer) => answer !== undefined);
    expect(winners).toHaveLength(1);
    expect((await life.row(job.jobId)).reason).toEqual(winners[0]?.reason);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });
});

describe("settling", () => {
  test("makes up for a crash right after the end was written", async () => {
    const job = await life.running();
    const ended = await life.jobs.update(
      job.jobId,
      { status: ["running"] },
      { status: "failed", reason: failed.reason },
    );
    if (!ended) throw new Error("not ended");

    await settleJob(life, ended);

    expect(await life.row(job.jobId)).toEqual({ ...ended, lastSeq: 2 });
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });

  test("makes up for a crash after the last event, which is not told twice", async () => {
    const job = await life.running();
    const crashing = {
      ...life,
      jobs: {
        ...life.jobs,
        update: (...[jobId, guard, changes]: Parameters<typeof life.jobs.update>) =>
          changes.settled ? Promise.reject(new Error("crash")) : life.jobs.update(jobId, guard, changes),
      },
      events: life.events,
      now: life.now,
    };
    await expect(finishJob(crashing, job, succeeded)).rejects.toThrow("crash");
    expect(await life.isLive(job.jobId)).toBe(true);

    await settleJob(life, await life.row(job.jobId));

    expect(await life.isLive(job.jobId)).toBe(false);
    expect((await life.row(job.jobId)).lastSeq).toBe(2);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });

  test("again, and by many at once, changes nothing", async () => {
    const job = await life.ended();

    await Promise.all(upTo(5).map(() => settleJob(life, { ...job, lastSeq: null })));
    await settleJob(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });

  test("releases the slot before the job leaves the live ones, so that no crash between leaves it taken", async () => {
    const job = await life.running();
    const stuck = { ...life.slots, release: () => Promise.reject(new Error("down")) };

    await expect(finishJob({ ...life, slots: stuck }, job, succeeded)).rejects.toThrow("down");

    expect(await life.row(job.jobId)).toMatchObject({ status: "succeeded", lastSeq: null });
    expect(await life.isLive(job.jobId)).toBe(true);
    await settleJob(life, await life.row(job.jobId));
    expect(await life.holdsSlot(job)).toBe(false);
    expect(await life.isLive(job.jobId)).toBe(false);
  });

  test("does nothing for a job that has not ended", async () => {
    const job = await life.running();

    await settleJob(life, job);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(await life.isLive(job.jobId)).toBe(true);
  });

  test("passes on what keeps it from writing the last event, so that it is tried again", async () => {
    const job = await life.running();
    const broken = {
      ...life,
      jobs: life.jobs,
      now: life.now,
      events: { ...life.events, put: () => Promise.reject(new Error("down")) },
    };

    await expect(finishJob(broken, job, succeeded)).rejects.toThrow("down");

    expect(await life.row(job.jobId)).toMatchObject({ status: "succeeded", lastSeq: null });
    expect(await life.isLive(job.jobId)).toBe(true);
  });
});

test("A process that dies at any of its steps while it ends a job leaves it running, or ended and told of once", async () => {
  const deaths = await withEveryDeath(async (dieIn, calls) => {
    const mortal = new Lifecycle(inMemoryStores(), 1);
    const job = await mortal.running();
    const next = await mortal.submitted({ tenantId: job.tenantId });

    await dieIn(mortal, (ports) => finishJob(ports, job, succeeded));
    await reconcileJobs(mortal);

    if (calls === 0) {
      expect(await mortal.row(job.jobId)).toEqual(job);
      return;
    }
    expect(await mortal.row(job.jobId)).toMatchObject({ ...succeeded, lastSeq: 2 });
    expect(texts(await mortal.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await mortal.isLive(job.jobId)).toBe(false);
    expect(await mortal.slots.holders(job.tenantId)).toEqual([next.jobId]);
    expect((await mortal.row(next.jobId)).status).toBe("starting");
  });
  expect(deaths).toBe(6);
});

test("An end whose answer was lost is settled by whoever ends the job again", async () => {
  const life = new Lifecycle(stores);
  const job = await life.running();
  await life.jobs.update(job.jobId, { status: ["running"] }, { status: "succeeded" });

  expect(await finishJob(life, job, { status: "succeeded", reason: null })).toBeUndefined();

  expect(await life.isLive(job.jobId)).toBe(false);
  expect(await life.holdsSlot(job)).toBe(false);
});
