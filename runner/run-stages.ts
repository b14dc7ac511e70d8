import { statfs } from "node:fs/promises";
import { silenceGraceSeconds } from "../core/limits.ts";
import { nextStage, type Stage, stageGraph } from "../core/modes.ts";
import type { RoleOutcome } from "../core/outcome.ts";
import type { Role } from "../core/roles.ts";
import { agentCommand } from "./agent-command.ts";
import type { JobContext } from "./job-context.ts";
import { OutputBudget } from "./output-budget.ts";
import type { PaneHandle, SilenceLimit } from "./pane/pane.ts";
import type { PaneExit } from "./pane/pane-exit.ts";
import { paneEnvironment } from "./pane-environment.ts";
import { PaneOutput } from "./pane-output.ts";
import type { TmuxSession } from "./tmux/tmux-session.ts";
import type { Workspace } from "./workspace.ts";

/** Less free disk than this, and a recording that broke off broke off for want of it. */
const fullDiskBytes = 1024 * 1024;

/** What a command needs of the workspace, once it is filled. */
type FilledWorkspace = Pick<Workspace, "repository" | "jobDirectory" | "home"> & { readonly baseSha: string };

/** Walks the mode's stages, each when the one before has succeeded, and tells how every role that ran has ended. */
export async function runStages(
  job: JobContext,
  workspace: FilledWorkspace,
  session: TmuxSession,
): Promise<readonly RoleOutcome[]> {
  const graph = stageGraph(job.spec.mode);
  const commands = new Map(
    job.record.panes.map(({ role }) => [role, agentCommand(role, job.spec, job.settings.commands)]),
  );
  const budget = new OutputBudget(job.spec.options.maxLogBytes);
  const outcomes: (RoleOutcome & { stage: string })[] = [];
  for (let stage = nextStage(graph, outcomes); stage && !job.stop.signal.aborted; stage = nextStage(graph, outcomes)) {
    const { name, roles } = stage;
    announce(job, stage, session);
    changePanes(job, roles, () => ({ status: "running", exitCode: null }));
    const shown = job.progress({ stage: name, tmuxSession: session.name });
    const run = async (role: Role) => {
      const command = commands.get(role) ?? "";
      const outcome = await runRole({ job, workspace, session, budget, stage: name, role, command });
      changePanes(job, [role], () => ({ status: "exited", exitCode: outcome.exitCode }));
      // The end of the last one is stored with what comes next: another stage, or the job's end.
      const othersRun = job.record.panes.some((pane) => roles.includes(pane.role) && pane.status === "running");
      if (othersRun) await job.progress({ stage: name, tmuxSession: session.name });
      return outcome;
    };
    const ended = await Promise.all(roles.map(run));
    await shown;
    outcomes.push(...ended.map((outcome) => ({ ...outcome, stage: name })));
  }
  return outcomes;
}

/** Whoever attaches sees the whole team: a pane whose turn has not come says so. */
function announce(job: JobContext, stage: Stage, session: TmuxSession): void {
  const waiting = job.record.panes.filter(({ role, status }) => status === "waiting" && !stage.roles.includes(role));
  for (const { role } of waiting) {
    session.panes.get(role)?.say(`The ${role} waits for its turn; at work: ${stage.roles.join(", ")}.`);
  }
}

type Panes = JobContext["record"]["panes"];

function changePanes(
  job: JobContext,
  roles: readonly Role[],
  change: (role: Role) => Omit<Panes[number], "role">,
): void {
  job.changePanes(
    job.record.panes.map((pane) => (roles.includes(pane.role) ? { ...pane, ...change(pane.role) } : pane)),
  );
}

interface RoleRun {
  readonly job: JobContext;
  readonly workspace: FilledWorkspace;
  readonly session: TmuxSession;
  readonly budget: OutputBudget;
  readonly stage: string;
  readonly role: Role;
  readonly command: string;
}

async function runRole({ job, workspace, session, budget, stage, role, command }: RoleRun): Promise<RoleOutcome> {
  const { spec, settings, events } = job;
  const pane = paneOf(session, role);
  const secrets = { ...(settings.gitToken && { GIT_TOKEN: settings.gitToken }) };
  const output = new PaneOutput(role, secrets, budget, (event) => events.write(event));
  await job.emit("pane_started", { paneId: pane.paneId, stage, command }, role);
  const exit = await pane.run(
    {
      command,
      environment: paneEnvironment(job.record, spec, workspace, { role, stage, path: settings.path }),
      workingDirectory: workspace.repository,
      ...(settings.agentUser && { user: settings.agentUser }),
      silence: silenceLimit(job, role),
      onOutput: (bytes) => output.push(bytes),
    },
    job.stop.signal,
  );
  await output.end();
  const outcome = { role, command, ...processEnd(exit), fault: await faultOf(exit, settings.workRoot) };
  const { exitCode, signal, fault } = outcome;
  pane.say(`The ${role} has ended: ${exitCode === null ? (signal ?? fault) : `exit code ${exitCode}`}.`);
  const reason = fault ?? job.stop.cause ?? null;
  await job.emit(
    "stage_finished",
    { stage, exitCode, signal, durationMs: Math.round(exit.durationMilliseconds), reason },
    role,
  );
  return outcome;
}

function silenceLimit(job: JobContext, role: Role): SilenceLimit {
  const { silenceMinutes } = job.settings;
  const detail = `The pane has printed nothing for the deployment's JOB_SILENCE_MINUTES, ${silenceMinutes}: its command is taken for hung and ended.`;
  return {
    milliseconds: silenceMinutes * 60_000,
    graceMilliseconds: silenceGraceSeconds * 1_000,
    // Not waited for: a store that is slow must not keep a hung command alive.
    onHit: () => void job.emit("limit_hit", { limit: "silence", detail }, role),
  };
}

function paneOf(session: TmuxSession, role: Role): PaneHandle {
  const pane = session.panes.get(role);
  if (pane === undefined) throw new Error(`The session has no pane for the ${role}.`);
  return pane;
}

function processEnd(exit: PaneExit): { exitCode: number | null; signal: string | null } {
  if (exit.kind === "exited") return { exitCode: exit.exitCode, signal: null };
  return { exitCode: null, signal: exit.kind === "signalled" ? exit.signal : null };
}

async function faultOf(exit: PaneExit, workRoot: string): Promise<RoleOutcome["fault"]> {
  if (exit.reason === "output_limit" || exit.reason === "silent") return exit.reason;
  if (exit.kind !== "lost") return null;
  if (exit.reason !== "capture_failed") return "pane_lost";
  const { bavail, bsize } = await statfs(workRoot);
  return bavail * bsize < fullDiskBytes ? "disk_full" : "capture_failed";
}
