import * as z from "zod";

/** What the verifier found. */
export const Verdict = z
  .strictObject({
    schema: z.literal(1),
    verdict: z.enum(["pass", "fail"]),
    summary: z.string(),
  })
  .meta({ id: "Verdict" });
export type Verdict = z.infer<typeof Verdict>;

/** The rule that a plain test command needs: the verifier's exit code is its verdict. */
export function verdictOfExit(exitCode: number | null): Verdict {
  if (exitCode === 0) return { schema: 1, verdict: "pass", summary: "The verifier exited with code 0." };
  const how = exitCode === null ? "was ended by a signal" : `exited with code ${exitCode}`;
  return { schema: 1, verdict: "fail", summary: `The verifier ${how}.` };
}
