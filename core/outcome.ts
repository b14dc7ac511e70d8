import type { Ending } from "./lifecycle/finish-job.ts";
import { hasSucceeded } from "./modes.ts";
import { type ReasonCode, reasonOf } from "./reasons.ts";
import type { Role } from "./roles.ts";
import { verdictOfExit } from "./verdict.ts";

/** How one role's work ended, as far as the outcome of the job depends on it. */
export interface RoleOutcome {
  readonly role: Role;
  readonly command: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Set when it did not end by itself: its output could not be kept, grew beyond every limit, or failed to come. */
  readonly fault: Extract<ReasonCode, "pane_lost" | "capture_failed" | "output_limit" | "silent" | "disk_full"> | null;
}

/** The end of a job whose stages have all been walked: every role must have succeeded, and the verifier's word counts. */
export function endingOf(outcomes: readonly RoleOutcome[]): Ending {
  const verifier = outcomes.find(({ role, fault }) => role === "verifier" && fault === null);
  const verdict = verifier && { verdict: verdictOfExit(verifier.exitCode) };
  const failed = outcomes.find((outcome) => !hasSucceeded(outcome));
  if (failed === undefined) return { status: "succeeded", reason: null, ...verdict };
  return { status: "failed", reason: reasonOf(failureCode(failed), describe(failed)), ...verdict };
}

/** Programs that exit with 2 when their arguments are wrong, as seen of Codex CLI (and of omx, which passes it on). */
const exitsWith2OnUsage = /^\s*(?:codex|omx|gemini)\b/;

function failureCode({ role, command, exitCode, fault }: RoleOutcome): ReasonCode {
  if (fault !== null) return fault;
  if (exitCode === 127) return "agent_not_found";
  if (exitCode === 2 && exitsWith2OnUsage.test(command)) return "cli_usage";
  return role === "verifier" ? "verdict_failed" : "stage_failed";
}

const faultWords = {
  pane_lost: "was killed from outside",
  capture_failed: "lost part of its output",
  output_limit: "wrote more output than a stage may",
  silent: "printed nothing for so long that it was taken for hung",
  disk_full: "ran out of disk",
};

function describe({ role, command, exitCode, signal, fault }: RoleOutcome): string {
  if (fault !== null) return `The ${role} ${faultWords[fault]}.`;
  if (exitCode === 127) return `The ${role}'s command was not found (exit code 127): ${command.slice(0, 200)}`;
  return exitCode === null ? `The ${role} was ended by ${signal}.` : `The ${role} exited with code ${exitCode}.`;
}
