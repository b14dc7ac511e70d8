import { beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../../core/roles.ts";
import type { RunnerSettings } from "../../runner/job-context.ts";
import type { StopCause } from "../../runner/job-stop.ts";
import { type TestTable, testTable } from "../helpers/table.ts";
import { claimedJob, commands, of, outputOf } from "./job-under-test.ts";

let table: TestTable;

beforeAll(async () => {
  table = await testTable();
});

const settings: Partial<RunnerSettings> = { silenceMinutes: 0.01 };

describe("A pane that prints nothing for too long", () => {
  test("ends with all that its command started, and the job fails: nobody else begins, whatever its exit code.", async () => {
    const planner = "trap 'exit 0' INT; setsid --fork sleep 1000; echo at work; sleep 1000";
    const job = await claimedJob(table, {
      settings,
      job: { options: { agentCommands: commands("true", { planner }) } },
    });
    const row = await job.run();
    expect(row).toMatchObject({
      status: "failed",
      verdict: null,
      reason: { code: "silent", message: expect.stringContaining("planner"), retryable: false },
      panes: [{ status: "exited", exitCode: 0 }, { status: "waiting" }, { status: "waiting" }],
    });
    expect(row.reason?.remedy).toContain("JOB_SILENCE_MINUTES");
    expect(job.processes()).toEqual([]);
    const events = await job.events();
    expect(outputOf(events, "planner")).toContain("at work\r\n");
    const told = events.filter(({ type }) => type === "limit_hit" || type === "stage_finished");
    expect(told).toMatchObject([
      { type: "limit_hit", role: "planner", data: { limit: "silence", detail: expect.stringContaining("0.01") } },
      { type: "stage_finished", role: "planner", data: { exitCode: 0, reason: "silent" } },
    ]);
  });

  test("among three at once is the only one that ends: each has time of its own.", async () => {
    const planner = "trap 'touch $JOB_DIR/ended; exit 130' INT; sleep 1000";
    const others = "until [ -e $JOB_DIR/ended ]; do printf .; sleep 0.05; done";
    const options = { agentCommands: commands(others, { planner }) };
    const job = await claimedJob(table, {
      settings: { silenceMinutes: 0.03 },
      job: { mode: "parallel", options },
    });
    expect(await job.run()).toMatchObject({
      status: "failed",
      reason: { code: "silent", message: expect.stringContaining("planner") },
      verdict: { verdict: "pass" },
      panes: [{ exitCode: 130 }, { exitCode: 0 }, { exitCode: 0 }],
    });
    const events = await job.events();
    expect(events.filter(of("limit_hit"))).toMatchObject([{ role: "planner" }]);
    const endOf = (role: Role) => events.find(of("stage_finished", role))?.data;
    expect(endOf("planner")).toMatchObject({ reason: "silent" });
    for (const role of ["executor", "verifier"] as const) expect(endOf(role)).toMatchObject({ reason: null });
  });
});

test("A pane that prints slowly lives, also when what it prints is no longer stored.", async () => {
  const planner = "for i in {1..30}; do printf '%0100d\\n' $i; sleep 0.1; done";
  const options = { maxLogBytes: 1_024, agentCommands: commands("true", { planner }) };
  const job = await claimedJob(table, { settings: { silenceMinutes: 0.025 }, job: { options } });
  expect(await job.run()).toMatchObject({ status: "succeeded" });
  const limits = (await job.events()).filter(of("limit_hit"));
  expect(limits).toMatchObject([{ role: "planner", data: { limit: "output" } }]);
});

test.each<[StopCause, expected: object]>([
  ["cancelled", { status: "cancelled", reason: { code: "cancelled_by_user" } }],
  ["deadline", { status: "timed_out", reason: { code: "deadline_exceeded" } }],
  ["shutdown", { status: "starting", attempt: 2, reason: null }],
])("A job that is stopped while a silent pane has its grace ends at once, as stopped: %s.", async (cause, expected) => {
  const planner = "trap 'echo interrupted' INT; while :; do sleep 0.05; done";
  const job = await claimedJob(table, { settings, job: { options: { agentCommands: commands("true", { planner }) } } });
  const running = job.run();
  await job.stored((event) => event.type === "pane_output" && event.data.text.includes("interrupted"));
  job.stop.stop(cause);
  expect(await running).toMatchObject(expected);
  expect(job.processes()).toEqual([]);
  // By TERM: KILL would have come after the whole grace of silence.
  const finished = (await job.events()).find(of("stage_finished", "planner"));
  expect(finished?.data).toMatchObject({ signal: "SIGTERM", reason: cause });
});
