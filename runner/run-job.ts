import type { JobRecord, JobSpec } from "../core/job.ts";
import { cancelled } from "../core/lifecycle/cancel-job.ts";
import { type Ending, finishJob } from "../core/lifecycle/finish-job.ts";
import { maximumSpoolBytes, stopGraceMilliseconds } from "../core/limits.ts";
import { endingOf } from "../core/outcome.ts";
import type { Clock, EventLog, JobStore } from "../core/ports.ts";
import { reasonOf } from "../core/reasons.ts";
import { JobEventWriter } from "./event-writer.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { JobContext, type RunnerSettings } from "./job-context.ts";
import { JobFailure } from "./job-failure.ts";
import type { JobStop } from "./job-stop.ts";
import { logError } from "./log.ts";
import { persistently } from "./persistently.ts";
import { runStages } from "./run-stages.ts";
import { ToolMissing } from "./tmux/required-tools.ts";
import { startTmuxSession } from "./tmux/start-tmux-session.ts";
import type { TmuxSession } from "./tmux/tmux-session.ts";
import { fillRepository, openWorkspace, type Workspace, type WorkspaceSettings } from "./workspace.ts";

interface RunnerPorts {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly now: Clock;
}

/** Runs a claimed job to its end and records it; returns early, recording nothing, if the job became somebody else's. */
export async function runJob(
  ports: RunnerPorts,
  settings: RunnerSettings,
  claimed: JobRecord,
  spec: JobSpec,
  stop: JobStop,
): Promise<void> {
  await using _heartbeat = startHeartbeat(ports, claimed, stop);
  using _deadline = stopAtDeadline(claimed, ports.now, stop);
  const author = { jobId: claimed.jobId, attempt: claimed.attempt, tail: undefined };
  await using events = new JobEventWriter(ports.events, author, stop);
  const job = new JobContext({ record: claimed, spec, settings, stop, events, ports });
  await job.emit("runner_started", { owner: claimed.owner ?? "" });

  const ending = await work(job).catch((error: unknown) => endingOfError(error, claimed.jobId, stop));
  if (stop.cause === "deadline") await job.emit("limit_hit", { limit: "maxMinutes", detail: deadlineMessage(spec) });
  await events.flush();
  const finish = () => finishJob(ports, job.record, endingOfStop(stop, spec) ?? ending, { writer: author });
  await persistently(stop, finish, { jobId: claimed.jobId });
}

/** The job's own work: a clone, a session with a pane for each role, the stages. */
async function work(job: JobContext): Promise<Ending> {
  const settings = workspaceSettings(job);
  await using workspace = await openWorkspace(settings, { jobId: job.record.jobId, task: job.spec.task });
  // Side by side: neither needs the other, and a user waits for both.
  await using cloning = startCloning(job, settings, workspace);
  await using session = await openSession(job, workspace);
  const baseSha = await cloning.baseSha;
  await job.emit("tmux_session_started", { session: session.name, attachCommand: session.attachCommand });
  const outcomes = await runStages(job, { ...workspace, baseSha }, session);
  const isWanted = job.spec.options.keepTmuxSession ?? job.settings.keepSessions;
  if (isWanted && !job.stop.abandoned.aborted) {
    await session.keep();
    workspace.keep();
  }
  const ending = endingOf(outcomes);
  if (ending.verdict && !job.stop.signal.aborted) await job.emit("verdict", ending.verdict, "verifier");
  return ending;
}

function workspaceSettings({ settings, spec }: JobContext): WorkspaceSettings {
  const { path, workRoot, skipClone, agentUser: user } = settings;
  // A request may name any host that is allowed; the token is for one of them.
  const isTokenFor = new URL(spec.repositoryUrl).origin === new URL(settings.gitBaseUrl).origin;
  return { workRoot, skipClone, git: { path, token: isTokenFor ? settings.gitToken : undefined }, user };
}

/** Disposing of it stops a clone that is still going on: its folder is about to be removed. */
function startCloning(
  job: JobContext,
  settings: WorkspaceSettings,
  workspace: Workspace,
): AsyncDisposable & { readonly baseSha: Promise<string> } {
  const unneeded = new AbortController();
  const signal = AbortSignal.any([job.stop.signal, unneeded.signal]);
  const baseSha = clone(job, settings, workspace, signal);
  const settled = baseSha.catch(() => undefined);
  return {
    baseSha,
    async [Symbol.asyncDispose]() {
      unneeded.abort();
      await settled;
    },
  };
}

async function clone(
  job: JobContext,
  settings: WorkspaceSettings,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<string> {
  const { repo, ref } = job.spec;
  const startedAt = performance.now();
  await job.emit("git_clone_started", { repo, ref: ref ?? null });
  const baseSha = await fillRepository(settings, workspace, job.spec, signal);
  await job.emit("git_clone_finished", { baseSha, durationMs: Math.round(performance.now() - startedAt) });
  return baseSha;
}

function openSession(job: JobContext, workspace: Workspace): Promise<TmuxSession> {
  const { jobId, panes } = job.record;
  return startTmuxSession({
    name: `omx-${jobId}`,
    directory: workspace.tmux,
    roles: panes.map((pane) => pane.role),
    marker: `JOB_ID=${jobId}`,
    path: job.settings.path,
    stopGraceMilliseconds,
    maximumSpoolBytes,
    signal: job.stop.signal,
  });
}

/** On the monotonic clock, from the claim on; reconcile has the wall clock for a runner that does not get this far. */
function stopAtDeadline(job: JobRecord, now: Clock, stop: JobStop): Disposable {
  const milliseconds = Date.parse(job.deadlineAt ?? "") - now().getTime();
  const timer = setTimeout(() => stop.stop("deadline"), milliseconds);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What ended the job from outside outranks how its processes then ended. */
function endingOfStop(stop: JobStop, spec: JobSpec): Ending | undefined {
  if (stop.cause === "cancelled") return cancelled("The job was cancelled while it ran.");
  if (stop.cause === "deadline") {
    return { status: "timed_out", reason: reasonOf("deadline_exceeded", deadlineMessage(spec)) };
  }
  if (stop.cause === "shutdown") {
    return { status: "failed", reason: reasonOf("runner_lost", "The runner was told to stop.") };
  }
  return undefined;
}

function endingOfError(error: unknown, jobId: string, stop: JobStop): Ending {
  if (error instanceof JobFailure) return { status: "failed", reason: reasonOf(error.code, error.message) };
  if (error instanceof ToolMissing) return { status: "failed", reason: reasonOf("tool_missing", error.message) };
  // A step that was stopped throws, and that is as it should be.
  if (!stop.signal.aborted) logError("job failed unexpectedly", error, { jobId });
  const message = error instanceof Error ? error.message : String(error);
  return { status: "failed", reason: reasonOf("internal_error", message) };
}

function deadlineMessage(spec: JobSpec): string {
  return `The job ran for its options.maxMinutes, ${spec.options.maxMinutes}.`;
}
