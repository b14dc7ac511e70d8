import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { cancelJob } from "../../core/lifecycle/cancel-job.ts";
import { settleJob } from "../../core/lifecycle/finish-job.ts";
import type { JobChanges, JobStore } from "../../core/ports.ts";
import { type TestTable, testTable } from "../helpers/table.ts";
import { claimedJob, commands, of, type Store } from "./job-under-test.ts";

let table: TestTable;

beforeAll(async () => {
  table = await testTable();
});

const now = () => new Date();

/** Daemons, and a shell that no TERM ends. */
const stubborn = "trap '' TERM; (setsid sleep 1000 >/dev/null 2>&1 &); echo at work; sleep 1000; sleep 1000";

async function jobAtWork(store: Store = table, maxMinutes = 60) {
  const options = { maxMinutes, agentCommands: commands("true", { planner: stubborn }) };
  const job = await claimedJob(store, { job: { options } });
  const running = job.run();
  await job.stored(of("pane_output", "planner"));
  expect(job.processes().length).toBeGreaterThan(1);
  return { ...job, running };
}

describe("A job that is ended while its planner works", () => {
  test("by a cancel is cancelled: no process of it is left, and no other role begins.", async () => {
    const job = await jobAtWork();
    await cancelJob({ jobs: table.jobs, events: table.events, now }, await job.row());
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
    const job = await jobAtWork(table, 0.05);
    expect(await job.running).toMatchObject({
      status: "timed_out",
      reason: { code: "deadline_exceeded", message: expect.stringContaining("0.05") },
    });
    expect(job.processes()).toEqual([]);
  });

  test("by the end of its runner has lost it.", async () => {
    const job = await jobAtWork();
    job.stop.stop("shutdown");
    expect(await job.running).toMatchObject({ status: "failed", reason: { code: "runner_lost", retryable: true } });
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
    expect(await readdir(job.workRoot)).toEqual([]);
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

test("A job that is stopped before it has begun starts no tmux and ends as it was told to.", async () => {
  const job = await claimedJob(table, { job: { options: { agentCommands: commands("true") } } });
  job.stop.stop("cancelled");
  expect(await job.run()).toMatchObject({ status: "cancelled" });
  expect((await job.events()).filter(of("tmux_session_started"))).toEqual([]);
});

describe("A store that fails for a moment", () => {
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
    return { jobs: { ...table.jobs, update }, events: table.events };
  }

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
    await settleJob({ jobs: table.jobs, events: table.events, now }, row);
    expect((await job.events()).filter(of("job_finished"))).toHaveLength(1);
  });
});
