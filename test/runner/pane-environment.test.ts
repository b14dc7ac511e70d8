import { expect, test } from "vitest";
import { paneEnvironment } from "../../runner/pane-environment.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

const workspace = {
  repository: "/runs/1/repo",
  jobDirectory: "/runs/1/job",
  home: "/runs/1/home",
  baseSha: "0123abc",
};

const spec = jobSpec({ provider: "codex", mode: "swarm", ref: "main", task: "작업\n둘째 줄" });
const record = queuedJob({ attempt: 2, deadlineAt: "2026-11-22T10:30:00.900Z" }, spec);
const pane = { role: "executor", stage: "executor", path: "/usr/bin:/bin" } as const;

const job = {
  JOB_ID: record.jobId,
  JOB_MODE: "swarm",
  JOB_PROVIDER: "codex",
  JOB_ROLE: "executor",
  JOB_STAGE: "executor",
  JOB_ATTEMPT: "2",
  JOB_ITERATION: "1",
  JOB_TASK: "작업\n둘째 줄",
  JOB_TASK_FILE: "/runs/1/job/task.md",
  JOB_WORKDIR: "/runs/1/repo",
  JOB_DIR: "/runs/1/job",
  JOB_REPO: "owner/name",
  JOB_REF: "main",
  JOB_BASE_SHA: "0123abc",
  JOB_PLAN_FILE: "/runs/1/job/plan.md",
  JOB_RESULT_FILE: "/runs/1/job/result.md",
  JOB_VERDICT_FILE: "/runs/1/job/verdict.json",
  JOB_FEEDBACK_FILE: "/runs/1/job/feedback.md",
  JOB_DEADLINE_EPOCH: String(Date.parse("2026-11-22T10:30:00Z") / 1_000),
};

const terminal = {
  PATH: "/usr/bin:/bin",
  HOME: "/runs/1/home",
  LANG: "C.UTF-8",
  TERM: "screen-256color",
  SHELL: "/bin/bash",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GIT_TERMINAL_PROMPT: "0",
};

test("A pane sees what the job is, what a terminal program needs, and nothing else.", () => {
  expect(paneEnvironment(record, spec, workspace, pane)).toEqual({ ...job, ...terminal });
});

test("The request's own variables come along.", () => {
  const withEnv = { ...spec, options: { ...spec.options, env: { GREETING: "안녕", EMPTY: "" } } };
  const environment = paneEnvironment(record, withEnv, workspace, pane);
  expect(environment).toEqual({ ...job, ...terminal, GREETING: "안녕", EMPTY: "" });
});

test("The request may choose another language or terminal.", () => {
  const chosen = { ...spec, options: { ...spec.options, env: { LANG: "ko_KR.UTF-8", TERM: "dumb" } } };
  expect(paneEnvironment(record, chosen, workspace, pane)).toMatchObject({ LANG: "ko_KR.UTF-8", TERM: "dumb" });
});

test("The request's own variables replace none of the job's, nor where it runs.", () => {
  const names = [...Object.keys(job), "PATH", "HOME", "SHELL"];
  const env = Object.fromEntries(names.map((name) => [name, "forged"]));
  const forged = { ...spec, options: { ...spec.options, env } };
  expect(paneEnvironment(record, forged, workspace, pane)).toEqual({ ...job, ...terminal });
});

test("Without a ref JOB_REF is there and empty.", () => {
  const { ref: _, ...withoutRef } = spec;
  expect(paneEnvironment(record, withoutRef, workspace, pane).JOB_REF).toBe("");
});
