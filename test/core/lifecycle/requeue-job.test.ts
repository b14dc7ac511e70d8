import { describe, expect, test } from "vitest";
import { Superseded } from "../../../core/errors.ts";
import type { JobRecord } from "../../../core/job.ts";
import { appendEvents, type EventWriter } from "../../../core/lifecycle/append-events.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
import { launchAgain } from "../../../core/lifecycle/start-job.ts";
import { tellLoss } from "../../../core/lifecycle/tell-loss.ts";
import { launchSettleSeconds, maximumAttempts } from "../../../core/limits.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { output, seqs, texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const why = "The runner's task has stopped.";
const life = new Lifecycle(await testTable());
const writerOf = ({ jobId, attempt }: JobRecord): EventWriter => ({ jobId, attempt, tail: undefined });

/** Its row says that the runner is lost, its events do not: so far somebody came before a crash. */
async function requeuedSilently(lives = life): Promise<JobRecord> {
  const job = await lives.running();
  const mute = { ...lives.events, tail: () => Promise.reject(new Error("crash")) };
  await expect(requeueJob({ ...lives, events: mute }, job, why)).rejects.toThrow("crash");
  return lives.row(job.jobId);
}

describe("a job whose runner is lost", () => {
  test("is due to be started as the next attempt, as if nobody had begun", async () => {
    const job = await life.running();
    const [planner, executor, verifier] = job.panes;
    if (!planner || !executor || !verifier) throw new Error("panes are missing");
    const begun = await life.jobs.update(
      job.jobId,
      { status: ["running"] },
      {
        ...{ stage: "executor", tmuxSession: "omx-1" },
        panes: [
          { ...planner, status: "exited", exitCode: 0 },
          { ...executor, status: "running", exitCode: null },
          verifier,
        ],
      },
    );
    if (!begun) throw new Error("not begun");

    const requeued = await requeueJob(life, begun, why);

    expect(requeued).toEqual({
      ...job,
      ...{ status: "starting", attempt: 2, owner: null, leaseUntil: null, startUntil: null, deadlineAt: null },
    });
    expect(await life.row(job.jobId)).toEqual(requeued);
    expect(await Array.fromAsync(life.jobs.listLive("due"))).toContain(job.jobId);
    expect(await life.holdsSlot(job)).toBe(true);
  });

  test("says so in the first event of the new attempt, right behind what its runner has written", async () => {
    const job = await life.running();
    await appendEvents(life.events, writerOf(job), [output("a"), output("b")]);

    const requeued = await requeueJob(life, job, why);

    if (!requeued) throw new Error("not requeued");
    await appendEvents(life.events, writerOf(requeued), [output("c")]);
    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "a", "b", "runner_lost", "c"]);
    expect(seqs(history)).toEqual(upTo(5));
    expect(history.map(({ attempt }) => attempt)).toEqual([0, 1, 1, 2, 2]);
    expect(history[3]).toMatchObject({ type: "runner_lost", data: { detail: why } });
  });

  test("takes nothing from that runner any more: no event, no lease, no state, no end", async () => {
    const job = await life.running();
    const stale = writerOf(job);
    await appendEvents(life.events, stale, [output("a")]);
    const requeued = await requeueJob(life, job, why);
    const claim = { status: ["running"], attempt: job.attempt, owner: job.owner ?? "" } as const;

    await expect(appendEvents(life.events, stale, [output("b")])).rejects.toThrow(Superseded);
    expect(await life.jobs.update(job.jobId, claim, { leaseUntil: 1 })).toBeUndefined();
    expect(await life.jobs.update(job.jobId, claim, { stage: "executor" })).toBeUndefined();
    expect(await finishJob(life, job, { status: "succeeded", reason: null }, { writer: stale })).toBeUndefined();
    expect(await requeueJob(life, job, "The runner was told to stop.")).toBeUndefined();

    expect(await life.row(job.jobId)).toEqual(requeued);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "a", "runner_lost"]);
  });

  test("takes nothing from that runner also when the next one works on it already", async () => {
    const job = await life.running();
    const requeued = await requeueJob(life, job, why);
    if (!requeued) throw new Error("not requeued");
    await launchAgain(life, requeued);
    const next = await life.claimed(requeued);
    const claim = { status: ["running"], attempt: job.attempt, owner: job.owner ?? "" } as const;

    expect(next).toMatchObject({ status: "running", attempt: 2 });
    expect(next.owner).not.toBe(job.owner);
    expect(await life.jobs.update(job.jobId, claim, { leaseUntil: 1 })).toBeUndefined();
    expect(await finishJob(life, job, { status: "succeeded", reason: null })).toBeUndefined();
    await expect(appendEvents(life.events, writerOf(job), [output("a")])).rejects.toThrow(Superseded);
  });

  test("keeps a dense log, whatever the runner that was lost writes at the same moment", async () => {
    for (const _ of upTo(10)) {
      const job = await life.running();
      const stale = writerOf(job);
      const write = async () => {
        for (const text of ["a", "b", "c", "d"]) await appendEvents(life.events, stale, [output(text)]);
      };

      await Promise.all([
        write().catch((error: unknown) => expect(error).toBeInstanceOf(Superseded)),
        requeueJob(life, job, why),
      ]);

      const history = await life.history(job.jobId);
      expect(seqs(history)).toEqual(upTo(history.length));
      expect(texts(history).at(-1)).toBe("runner_lost");
      expect(history.filter(({ type }) => type === "runner_lost")).toHaveLength(1);
    }
  });

  test("is taken back once by ten at once, who tell of it once", async () => {
    const job = await life.running();

    const answers = await Promise.all(upTo(10).map((number) => requeueJob(life, job, `${why} (${number})`)));

    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    expect((await life.row(job.jobId)).attempt).toBe(2);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "runner_lost"]);
  });

  test("is left alone when its runner has renewed the lease that was seen", async () => {
    const job = await life.running();
    life.clock.pass(1);
    const renewed = await life.renewed(job);

    expect(await requeueJob(life, job, why, { leaseUntil: job.leaseUntil ?? 0 })).toBeUndefined();

    expect(await life.row(job.jobId)).toEqual(renewed);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);
  });
});

describe("a job that has lost its runner", () => {
  test("in its last attempt has failed, and frees its slot", async () => {
    let job = await life.running();
    for (const _ of upTo(maximumAttempts - 1)) {
      const requeued = await requeueJob(life, job, why);
      if (!requeued) throw new Error("not requeued");
      await launchAgain(life, requeued);
      job = await life.claimed(requeued);
    }
    expect(job.attempt).toBe(3);

    await requeueJob(life, job, why);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "failed",
      attempt: 3,
      reason: { code: "runner_lost", message: `${why} It was attempt 3 of 3.`, retryable: true },
    });
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost", "runner_lost", "runner_lost", "job_finished"]);
    expect(history.map(({ attempt }) => attempt)).toEqual([0, 2, 3, 3, 3]);
  });

  test("and was to be cancelled is cancelled, and frees its slot", async () => {
    const job = await life.running();

    await requeueJob(life, await cancelJob(life, job), why);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "cancelled",
      attempt: 1,
      reason: { code: "cancelled_by_user", message: why },
    });
    expect(await life.holdsSlot(job)).toBe(false);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });

  test("is left to the next look when it is cancelled in between", async () => {
    const job = await life.running();
    const asked = await cancelJob(life, job);

    expect(await requeueJob(life, job, why)).toBeUndefined();

    expect(await life.row(job.jobId)).toEqual(asked);
  });
});

describe("a loss that the row knows and the events do not", () => {
  test("is told before the next runner is launched", async () => {
    const job = await requeuedSilently();
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);

    await launchAgain(life, job);

    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost"]);
    expect(history[1]).toMatchObject({ attempt: 2, data: { detail: "The runner of attempt 1 was lost." } });
  });

  test("is told before the end when the job is cancelled", async () => {
    const job = await requeuedSilently();

    await cancelJob(life, job);

    const history = await life.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost", "job_finished"]);
    expect((await life.row(job.jobId)).lastSeq).toBe(3);
  });

  test("is told once, however many tell it and however often", async () => {
    const job = await requeuedSilently();

    await Promise.all(upTo(5).map(() => tellLoss(life, job, why)));
    await tellLoss(life, job, why);
    await launchAgain(life, job);

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "runner_lost"]);
  });

  test("is none before the first attempt", async () => {
    const job = await life.starting();

    await tellLoss(life, job, why);

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);
  });

  test("is told of no job that has ended", async () => {
    const job = await life.ended();

    await tellLoss(life, { ...job, attempt: 2 }, why);

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });
});

test("A process that dies at any of its steps leaves the job to its runner, or due for one more", async () => {
  const deaths = await withEveryDeath(async (dieIn, calls) => {
    const mortal = new Lifecycle(inMemoryStores());
    const job = await mortal.running();
    await appendEvents(mortal.events, writerOf(job), [output("a")]);
    mortal.launcher.end(job.owner ?? "");

    await dieIn(mortal, (ports) => requeueJob(ports, job, why));
    expect((await mortal.row(job.jobId)).attempt).toBe(calls === 0 ? 1 : 2);
    await reconcileJobs(mortal);

    const history = await mortal.history(job.jobId);
    expect(texts(history)).toEqual(["job_queued", "a", "runner_lost"]);
    expect(history.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(await mortal.holdsSlot(job)).toBe(true);
    expect(await mortal.launcher.listAlive()).toHaveLength(1);
    mortal.clock.pass(launchSettleSeconds);
    expect(await mortal.claimed(await mortal.row(job.jobId))).toMatchObject({ status: "running", attempt: 2 });
  });
  expect(deaths).toBe(3);
});
