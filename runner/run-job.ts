import { logError } from "../adapters/log.ts";
import type { JobRecord, JobSpec } from "../core/job.ts";
import { cancelled } from "../core/lifecycle/cancel-job.ts";
import { type Ending, finishJob } from "../core/lifecycle/finish-job.ts";
import type { FinishPorts } from "../core/lifecycle/lifecycle-ports.ts";
import { requeueJob } from "../core/lifecycle/requeue-job.ts";
import { maximumSpoolBytes, stopGraceMilliseconds } from "../core/limits.ts";
import { endingOf } from "../core/outcome.ts";
import type { Clock } from "../core/ports.ts";
import { reasonOf } from "../core/reasons.ts";
import { attachCommand } from "./attach-command.ts";
import { JobEventWriter } from "./event-writer.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { JobContext, type RunnerSettings } from "./job-context.ts";
import { JobFailure } from "./job-failure.ts";
import type { JobStop, StopCause } from "./job-stop.ts";
import { persistently } from "./persistently.ts";
import { runStages } from "./run-stages.ts";
import { ToolMissing } from "./tmux/required-tools.ts";
import { startTmuxSession } from "./tmux/start-tmux-session.ts";
import type { TmuxSession } from "./tmux/tmux-session.ts";
import { fillRepository, openWorkspace, type Workspace, type WorkspaceSettings } from "./workspace.ts";

/**
 * Runs a claimed job to its end and records it. A runner that is told to stop gives the job back instead, to be started
 * anew; one whose job became somebody else's records nothing.
 */
export async function runJob(
  ports: FinishPorts,
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

  const { ending, stoppedBy } = await work(job).catch((error: unknown) => workOfError(error, claimed.jobId, stop));
  if (stoppedBy === "deadline") await job.emit("limit_hit", { limit: "maxMinutes", detail: deadlineMessage(spec) });
  await events.flush();
  const close = () =>
    stoppedBy === "shutdown"
      ? requeueJob(ports, job.record, "The runner was told to stop.")
      : finishJob(ports, job.record, endingOfStop(stoppedBy, spec) ?? ending, { writer: author });
  await persistently(stop, close, { jobId: claimed.jobId });
}

/** What the job has come to. A stop that came after its last stage has come too late to matter. */
interface Work {
  readonly ending: Ending;
  readonly stoppedBy: StopCause | undefined;
}

/** The job's own work: a clone, a session with a pane for each role, the stages. */
async function work(job: JobContext): Promise<Work> {
  const settings = workspaceSettings(job);
  await using workspace = await openWorkspace(settings, { jobId: job.record.jobId, task: job.spec.task });
  // Whoever has the job next may be at work in this very folder, and has made it anew.
  job.stop.abandoned.addEventListener("abort", () => workspace.keep(), { once: true });
  // Side by side: neither needs the other, and a user waits for both.
  await using cloning = startCloning(job, settings, workspace);
  await using session = await openSession(job, workspace);
  const baseSha = await cloning.baseSha;
  await job.emit("tmux_session_started", { session: session.name, attachCommand: howToAttach(job, session) });
  const outcomes = await runStages(job, { ...workspace, baseSha }, session);
  const stoppedBy = job.stop.cause;
  const isWanted = job.spec.options.keepTmuxSession ?? job.settings.keepSessions;
  // Of a job that starts anew elsewhere nothing is kept here.
  if (isWanted && stoppedBy !== "shutdown" && !job.stop.abandoned.aborted) {
    await session.keep();
    workspace.keep();
  }
  const ending = endingOf(outcomes);
  if (ending.verdict && stoppedBy === undefined) await job.emit("verdict", ending.verdict, "verifier");
  return { ending, stoppedBy };
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

function howToAttach({ record, settings }: JobContext, { name, socketPath }: TmuxSession): string {
  return attachCommand(settings.attachCommand, { task: record.owner ?? "", session: name, socket: socketPath });
}

/** On the monotonic clock, from the claim on; reconcile has the wall clock for a runner that does not get this far. */
function stopAtDeadline(job: JobRecord, now: Clock, stop: JobStop): Disposable {
  const milliseconds = Date.parse(job.deadlineAt ?? "") - now().getTime();
  const timer = setTimeout(() => stop.stop("deadline"), milliseconds);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What ended the job from outside outranks how its processes then ended. */
function endingOfStop(cause: StopCause | undefined, spec: JobSpec): Ending | undefined {
  if (cause === "cancelled") return cancelled("The job was cancelled while it ran.");
  if (cause === "deadline") {
    return { status: "timed_out", reason: reasonOf("deadline_exceeded", deadlineMessage(spec)) };
  }
  return undefined;
}

function workOfError(error: unknown, jobId: string, stop: JobStop): Work {
  const isExpected = error instanceof JobFailure || error instanceof ToolMissing;
  // A step that was stopped throws, and that is as it should be.
  if (!isExpected && !stop.signal.aborted) logError("job failed unexpectedly", error, { jobId });
  return { ending: endingOfError(error), stoppedBy: stop.cause };
}

function endingOfError(error: unknown): Ending {
  if (error instanceof JobFailure) return { status: "failed", reason: reasonOf(error.code, error.message) };
  if (error instanceof ToolMissing) return { status: "failed", reason: reasonOf("tool_missing", error.message) };
  const message = error instanceof Error ? error.message : String(error);
  return { status: "failed", reason: reasonOf("internal_error", message) };
}

function deadlineMessage(spec: JobSpec): string {
  return `The job ran for its options.maxMinutes, ${spec.options.maxMinutes}.`;
}
