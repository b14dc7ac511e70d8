import { describe, expect, test } from "vitest";
import { endingOf, type RoleOutcome } from "../../core/outcome.ts";

const outcome = (more: Partial<RoleOutcome> = {}): RoleOutcome => ({
  role: "executor",
  command: "make",
  exitCode: 0,
  signal: null,
  fault: null,
  ...more,
});
const verified = (more: Partial<RoleOutcome> = {}) => outcome({ role: "verifier", ...more });

describe("a job whose roles have all succeeded", () => {
  test("has succeeded, with its verifier's verdict", () => {
    expect(endingOf([outcome({ role: "planner" }), outcome(), verified()])).toEqual({
      status: "succeeded",
      reason: null,
      verdict: { schema: 1, verdict: "pass", summary: "The verifier exited with code 0." },
    });
  });

  test("has succeeded without a verdict if nobody verified", () => {
    expect(endingOf([outcome()])).toEqual({ status: "succeeded", reason: null });
  });
});

describe("a job with a role that has not", () => {
  test.each<[what: string, failed: RoleOutcome, code: string, message: string]>([
    ["exited with an error", outcome({ exitCode: 3 }), "stage_failed", "The executor exited with code 3."],
    ["was ended", outcome({ exitCode: null, signal: "SIGKILL" }), "stage_failed", "The executor was ended by SIGKILL."],
    [
      "was not found",
      outcome({ exitCode: 127 }),
      "agent_not_found",
      "The executor's command was not found (exit code 127): make",
    ],
    [
      "was called wrongly",
      outcome({ exitCode: 2, command: " codex exec" }),
      "cli_usage",
      "The executor exited with code 2.",
    ],
    [
      "only begins like codex",
      outcome({ exitCode: 2, command: "codexx" }),
      "stage_failed",
      "The executor exited with code 2.",
    ],
    ["exits with 2 for its own reasons", outcome({ exitCode: 2 }), "stage_failed", "The executor exited with code 2."],
    ["found fault", verified({ exitCode: 1 }), "verdict_failed", "The verifier exited with code 1."],
    [
      "lost its pane",
      outcome({ exitCode: null, fault: "pane_lost" }),
      "pane_lost",
      "The executor was killed from outside.",
    ],
    ["lost output", outcome({ fault: "capture_failed" }), "capture_failed", "The executor lost part of its output."],
    [
      "wrote too much",
      verified({ fault: "output_limit" }),
      "output_limit",
      "The verifier wrote more output than a stage may.",
    ],
    [
      "printed nothing",
      outcome({ fault: "silent" }),
      "silent",
      "The executor printed nothing for so long that it was taken for hung.",
    ],
    ["filled the disk", outcome({ fault: "disk_full" }), "disk_full", "The executor ran out of disk."],
  ])("has failed for the reason that it %s", (_what, failed, code, message) => {
    const ending = endingOf([outcome({ role: "planner" }), failed]);

    expect(ending).toMatchObject({ status: "failed", reason: { code, message } });
  });

  test("has failed by the first of them", () => {
    expect(endingOf([outcome({ role: "planner", exitCode: 1 }), verified({ exitCode: 1 })]).reason?.code).toBe(
      "stage_failed",
    );
  });

  test("keeps the verifier's word, unless its pane cannot be trusted", () => {
    expect(endingOf([verified({ exitCode: 1 })]).verdict?.verdict).toBe("fail");
    expect(endingOf([verified({ exitCode: null, signal: "SIGTERM" })]).verdict?.verdict).toBe("fail");
    expect(endingOf([verified({ exitCode: 0, fault: "capture_failed" })]).verdict).toBeUndefined();
  });
});
