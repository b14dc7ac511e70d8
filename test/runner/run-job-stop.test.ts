import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { cancelJob } from "../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { settleJob } from "../../core/lifecycle/finish-job.ts";
import { requeueJob } from "../../core/lifecycle/requeue-job.ts";
import { tellLoss } from "../../core/lifecycle/tell-loss.ts";
import type { JobChanges, JobStore } from "../../core/ports.ts";
import { seqs, upTo } from "../helpers/events.ts";
import { type TestTable, testTable } from "../helpers/table.ts";
import { claimedJob, commands, of, type Store } from "./job-under-test.ts";

let table: TestTable;

beforeAll(async () => {
  table = await testTable();
});

const now = () => new Date();

/** Daemons, and a shell that no TERM ends. */
const stubborn = "trap '' TERM; (setsid sleep 1000 >/dev/null 2>&1 &); echo at work; sleep 1000; sleep 1000";

async function jobAtWork(store: Store = table, { maxMinutes = 60, attempt = 1 } = {}) {
  const options = { maxMinutes, agentCommands: commands("true", { planner: stubborn }) };
  const job = await claimedJob(store, { attempt, job: { options } });
  const running = job.run();
  await job.stored(of("pane_output", "planner"));
  expect(job.processes().length).toBeGreaterThan(1);
  return { ...job, running };
}

/** The first update that changes this attribute fails, before or after it is applied. */
function failingAt(attribute: keyof JobChanges, when: "before" | "after"): Store {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  let hasFailed = false;
  const update: JobStore["update"] = async (jobId, guard, changes) => {
    const fails = !hasFailed && changes[attribute] !== undefined;
    if (!fails) return table.jobs.update(jobId, guard, changes);
    hasFailed = true;
    if (when === "after") await table.jobs.update(jobId, guard, changes);
    throw new Error("the store is away");
  };
  return { ...table, jobs: { ...table.jobs, update } };
}

describe("A job that is ended while its planner works", () => {
  test("by a cancel is cancelled: no process of it is left, and no other role begins.", async () => {
    const job = await jobAtWork();
    await cancelJob({ ...table, now }, await job.row());
    expect(await job.running).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled_by_user" },
      verdict: null,
      panes: [{ status: "exited" }, { status: "waiting" }, { status: "waiting" }],
    });
    expect(job.processes()).toEqual([]);
    const events = await job.events();
    expect(events.find(of("stage_finished"))?.data).toMatchObject({ reason: "cancelled" });
    expect(events.filter(of("pane_started"))).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "job_finished", data: { status: "cancelled" } });
    expect(await readdir(job.workRoot)).toEqual([]);
  });

  test("by its deadline has timed out.", async () => {
    const job = await jobAtWork(table, { maxMinutes: 0.05 });
    expect(await job.running).toMatchObject({
      status: "timed_out",
      reason: { code: "deadline_exceeded", message: expect.stringContaining("0.05") },
    });
    expect(job.processes()).toEqual([]);
  });

  test("by another attempt is that one's: its processes end, and nothing more is written.", async () => {
    const job = await jobAtWork();
    const taken = await table.jobs.update(job.jobId, { status: ["running"] }, { attempt: 2, owner: "another" });
    const { seq } = await table.events.tail(job.jobId);
    const event = {
      seq: seq + 1,
      ts: now().toISOString(),
      attempt: 2,
      type: "runner_started",
      data: { owner: "another" },
    };
    await table.events.put({ jobId: job.jobId, batchId: crypto.randomUUID(), events: [event as never] });
    expect(await job.running).toEqual(taken);
    expect(job.stop.cause).toBe("superseded");
    expect(job.processes()).toEqual([]);
    expect((await job.events()).at(-1)).toEqual(event);
    // It may be that other attempt at work in it.
    expect(await readdir(job.workRoot)).toEqual([job.jobId]);
  });

  test("by somebody who has ended the job stays as that one has ended it.", async () => {
    const job = await jobAtWork();
    const reason = { code: "runner_lost", message: "gone", remedy: "again", retryable: true };
    const ended = await table.jobs.update(job.jobId, { status: ["running"] }, { status: "failed", reason });
    expect(await job.running).toEqual(ended);
    expect(job.processes()).toEqual([]);
    expect((await job.events()).filter(of("job_finished"))).toEqual([]);
  });
});

describe("A job whose runner is told to stop", () => {
  test("is handed back: its processes end, and it is due to be started anew as the next attempt.", async () => {
    const job = await jobAtWork();
    const claimed = await job.row();
    job.stop.stop("shutdown");
    const row = await job.running;
    expect(row).toEqual({
      ...claimed,
      ...{ status: "starting", attempt: 2, owner: null, leaseUntil: null, startUntil: null, deadlineAt: null },
      ...{ stage: null, tmuxSession: null, startingSince: expect.any(String) },
      panes: ["planner", "executor", "verifier"].map((role) => ({ role, status: "waiting", exitCode: null })),
    });
    expect(await Array.fromAsync(table.jobs.listLive("due"))).toContain(job.jobId);
    expect(job.processes()).toEqual([]);
    expect(await readdir(job.workRoot)).toEqual([]);
  });

  test("keeps its slot, and its events go on with what became of the attempt.", async () => {
    const job = await jobAtWork();
    job.stop.stop("shutdown");
    const { tenantId } = await job.running;
    expect(await table.slots.holders(tenantId)).toEqual([job.jobId]);
    const events = await job.events();
    expect(seqs(events)).toEqual(upTo(events.length));
    expect(events.filter(({ attempt }) => attempt === 2)).toEqual([
      expect.objectContaining({ type: "runner_lost", data: { detail: "The runner was told to stop." } }),
    ]);
    expect(events.at(-1)?.type).toBe("runner_lost");
    expect(events.find(of("stage_finished"))?.data).toMatchObject({ reason: "shutdown" });
    expect(events.filter(of("pane_started"))).toHaveLength(1);
  });

  test("is written to no more by that runner: whoever claims it next finds its events as they were.", async () => {
    const job = await jobAtWork();
    job.stop.stop("shutdown");
    await job.running;
    const [row, events] = [await job.row(), await job.events()];
    const next = await claimJob({ ...table, now }, row, { owner: "next", maxMinutes: 60 });
    expect(next).toMatchObject({ status: "running", attempt: 2, owner: "next" });
    expect(await job.events()).toEqual(events);
    expect(await job.row()).toEqual(next);
  });

  test("is failed instead when it was its third attempt, and its slot is free.", async () => {
    const job = await jobAtWork(table, { attempt: 3 });
    job.stop.stop("shutdown");
    const row = await job.running;
    expect(row).toMatchObject({
      ...{ status: "failed", attempt: 3, lastSeq: expect.any(Number) },
      reason: { code: "runner_lost", message: "The runner was told to stop. It was attempt 3 of 3.", retryable: true },
    });
    expect((await job.events()).slice(-2).map(({ type }) => type)).toEqual(["runner_lost", "job_finished"]);
    expect(await table.slots.holders(row.tenantId)).toEqual([]);
    expect(job.processes()).toEqual([]);
  });

  test("is cancelled instead when its runner has seen that it was to be.", async () => {
    const job = await jobAtWork();
    job.stop.stop("cancelled");
    job.stop.stop("shutdown");
    expect(await job.running).toMatchObject({ status: "cancelled", attempt: 1, lastSeq: expect.any(Number) });
  });

  test("is not handed back when it was cancelled in the same moment: reconcile cancels it.", async () => {
    const job = await jobAtWork();
    job.stop.stop("shutdown");
    await cancelJob({ ...table, now }, await job.row());
    const row = await job.running;
    expect(row).toMatchObject({ status: "running", attempt: 1, cancelRequestedAt: expect.any(String) });
    expect(job.processes()).toEqual([]);
    await requeueJob({ ...table, now }, row, "The runner's task has stopped.");
    expect(await job.row()).toMatchObject({ status: "cancelled", attempt: 1 });
    expect((await job.events()).filter(of("runner_lost"))).toEqual([]);
  });

  test.each(["before", "after"] as const)(
    "is handed back although the store fails for a moment: %s it has taken the write.",
    async (when) => {
      const job = await jobAtWork(failingAt("attempt", when));
      job.stop.stop("shutdown");
      expect(await job.running).toMatchObject({ status: "starting", attempt: 2, owner: null });
      expect(await Array.fromAsync(table.jobs.listLive("due"))).toContain(job.jobId);
      // Where the answer was lost the events do not say so yet; whoever launches the next attempt does.
      await tellLoss({ ...table, now }, await job.row());
      expect((await job.events()).filter(of("runner_lost"))).toHaveLength(1);
    },
  );

  test("before it has begun is handed back without a tmux.", async () => {
    const job = await claimedJob(table, { job: { options: { agentCommands: commands("true") } } });
    job.stop.stop("shutdown");
    expect(await job.run()).toMatchObject({ status: "starting", attempt: 2 });
    expect((await job.events()).filter(of("tmux_session_started"))).toEqual([]);
  });
});

test("A job that is stopped before it has begun starts no tmux and ends as it was told to.", async () => {
  const job = await claimedJob(table, { job: { options: { agentCommands: commands("true") } } });
  job.stop.stop("cancelled");
  expect(await job.run()).toMatchObject({ status: "cancelled" });
  expect((await job.events()).filter(of("tmux_session_started"))).toEqual([]);
});

describe("A store that fails for a moment", () => {
  test.each(["tmuxSession", "panes", "endedAt"] as const)(
    "while it is to write %s changes nothing.",
    async (attribute) => {
      const store = failingAt(attribute, "before");
      const job = await claimedJob(store, { job: { options: { agentCommands: commands("true") } } });
      const row = await job.run();
      expect(row).toMatchObject({ status: "succeeded", tmuxSession: `omx-${job.jobId}`, lastSeq: expect.any(Number) });
      expect(row.panes.map(({ status, exitCode }) => [status, exitCode])).toEqual(Array(3).fill(["exited", 0]));
    },
  );

  test("and loses the answer to the job's end leaves it ended, for reconcile to settle.", async () => {
    const store = failingAt("endedAt", "after");
    const job = await claimedJob(store, { job: { options: { agentCommands: commands("true") } } });
    const row = await job.run();
    expect(row).toMatchObject({ status: "succeeded", reason: null });
    await settleJob({ ...table, now }, row);
    expect((await job.events()).filter(of("job_finished"))).toHaveLength(1);
  });
});
