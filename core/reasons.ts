import * as z from "zod";

/** Why a job did not succeed, and what its user can do about it. */
export const Reason = z.strictObject({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
});
export type Reason = z.infer<typeof Reason>;

interface ReasonTemplate {
  readonly remedy: string;
  /** True when the same job may succeed without any change. */
  readonly retryable: boolean;
}

const catalogue = {
  agent_not_found: {
    remedy: "Install that program where the runner runs, or mend the command in options.agentCommands.",
    retryable: false,
  },
  cli_usage: {
    remedy:
      "The agent's CLI rejected its arguments. Codex CLI 0.147 and later have no --full-auto: use --sandbox workspace-write, or fix the command in options.agentCommands.",
    retryable: false,
  },
  stage_failed: { remedy: "Read the pane_output events of that role; its last lines say why.", retryable: false },
  verdict_failed: {
    remedy: "Read the verifier's pane_output events, then submit again with a clearer task.",
    retryable: false,
  },
  no_agent_command: {
    remedy: "Give a command for the role in options.agentCommands, or choose a provider that has a built-in one.",
    retryable: false,
  },
  cancelled_by_user: { remedy: "Submit the job again if it should run after all.", retryable: true },
  deadline_exceeded: {
    remedy: "Raise options.maxMinutes (at most 720), or give the task in smaller parts.",
    retryable: false,
  },
  output_limit: { remedy: "Make the agent's command write less to its terminal.", retryable: false },
  silent: {
    remedy:
      "Read the end of that role's pane_output: a command that asks a question gets no answer. If it was at work, let it print its progress, or raise JOB_SILENCE_MINUTES of the deployment.",
    retryable: false,
  },
  capture_failed: {
    remedy: "The output of a pane could not be recorded to its end. Check the disk under WORK_ROOT, then submit again.",
    retryable: true,
  },
  pane_lost: {
    remedy: "The pane's process was killed from outside, often for lack of memory. Submit again, with a larger runner.",
    retryable: true,
  },
  repository_not_found: {
    remedy: "Check the spelling of repo, and that the deployment's git token may read it.",
    retryable: false,
  },
  repository_unreachable: { remedy: "Check that the git host answers, then submit again.", retryable: true },
  ref_not_found: { remedy: "Name a branch, tag or commit that exists in the repository.", retryable: false },
  clone_failed: { remedy: "The message holds what git said; mend that, then submit again.", retryable: false },
  disk_full: {
    remedy: "Free space under WORK_ROOT or give the runner a larger disk, then submit again.",
    retryable: true,
  },
  tool_missing: {
    remedy: "Install the named program where the runner runs (Debian: apt-get install -y git tmux).",
    retryable: false,
  },
  runner_lost: {
    remedy:
      "Retry the job. If its runners are lost again and again, its agents may need more memory than a runner has: take a larger one.",
    retryable: true,
  },
  runner_never_started: {
    remedy: "No runner could be started. Check the runner's image and the account's Fargate quota, then submit again.",
    retryable: true,
  },
  no_capacity: {
    remedy: "Raise the account's Fargate quota, or lower MAX_CONCURRENT_JOBS, then retry the job.",
    retryable: true,
  },
  internal_error: { remedy: "Submit again; if it repeats, report it with the jobId.", retryable: true },
} as const satisfies Record<string, ReasonTemplate>;

export type ReasonCode = keyof typeof catalogue;

export const reasonCodes = Object.keys(catalogue) as ReasonCode[];

export function reasonOf(code: ReasonCode, message: string): Reason {
  return { code, message, ...catalogue[code] };
}
