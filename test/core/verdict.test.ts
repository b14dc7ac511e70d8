import { expect, test } from "vitest";
import { Verdict, verdictOfExit } from "../../core/verdict.ts";

test.each([
  [0, "pass", "The verifier exited with code 0."],
  [1, "fail", "The verifier exited with code 1."],
  [255, "fail", "The verifier exited with code 255."],
  [null, "fail", "The verifier was ended by a signal."],
] as const)("A verifier that ends with %s says %s", (exitCode, verdict, summary) => {
  expect(verdictOfExit(exitCode)).toEqual({ schema: 1, verdict, summary });
  expect(Verdict.parse(verdictOfExit(exitCode)).verdict).toBe(verdict);
});

test("A verdict of an unknown version, with another word or with more than is known is none", () => {
  const verdict = verdictOfExit(0);

  for (const more of [{ schema: 2 }, { verdict: "maybe" }, { extra: 1 }]) {
    expect(Verdict.safeParse({ ...verdict, ...more }).success).toBe(false);
  }
});
