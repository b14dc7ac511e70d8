import { join } from "node:path";
import type { JobRecord, JobSpec } from "../core/job.ts";
import type { Role } from "../core/roles.ts";
import type { Workspace } from "./workspace.ts";

/** Everything that a role's command finds in its environment; nothing of the runner's own is among it but PATH. */
export function paneEnvironment(
  job: JobRecord,
  spec: JobSpec,
  workspace: Pick<Workspace, "repository" | "jobDirectory" | "home"> & { readonly baseSha: string },
  pane: { readonly role: Role; readonly stage: string; readonly path: string },
): Record<string, string> {
  const file = (name: string) => join(workspace.jobDirectory, name);
  return {
    LANG: "C.UTF-8",
    TERM: "screen-256color",
    // Standard output is a terminal, at which nobody sits: a pager or a question would wait for ever.
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_TERMINAL_PROMPT: "0",
    ...spec.options.env,
    PATH: pane.path,
    HOME: workspace.home,
    SHELL: "/bin/bash",
    JOB_ID: job.jobId,
    JOB_MODE: spec.mode,
    JOB_PROVIDER: spec.provider,
    JOB_ROLE: pane.role,
    JOB_STAGE: pane.stage,
    JOB_ATTEMPT: String(job.attempt),
    JOB_ITERATION: "1",
    JOB_TASK: spec.task,
    JOB_TASK_FILE: file("task.md"),
    JOB_WORKDIR: workspace.repository,
    JOB_DIR: workspace.jobDirectory,
    JOB_REPO: spec.repo,
    JOB_REF: spec.ref ?? "",
    JOB_BASE_SHA: workspace.baseSha,
    JOB_PLAN_FILE: file("plan.md"),
    JOB_RESULT_FILE: file("result.md"),
    JOB_VERDICT_FILE: file("verdict.json"),
    JOB_FEEDBACK_FILE: file("feedback.md"),
    JOB_DEADLINE_EPOCH: String(Math.floor(Date.parse(job.deadlineAt ?? "") / 1_000)),
  };
}
