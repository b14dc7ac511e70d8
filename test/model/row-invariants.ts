import { isDeepStrictEqual } from "node:util";
import { isTerminal, type JobRecord, transitions } from "../../core/job.ts";
import { maximumAttempts, maximumLostLaunches } from "../../core/limits.ts";
import { Violation } from "./violation.ts";

interface Rule {
  readonly invariant: string;
  isBroken(before: JobRecord, after: JobRecord): boolean;
}

/** The reason of a job whose launches brought no runner. */
export const neverClaimed = `${maximumLostLaunches} runners were launched for the job and none of them claimed it.`;
const isStart = (before: JobRecord, after: JobRecord) =>
  after.status === "starting" && (before.status === "queued" || before.status === "running");
const isClaim = (before: JobRecord, after: JobRecord) => after.status === "running" && before.status !== "running";

const rules: readonly Rule[] = [
  {
    invariant: "an end is final",
    isBroken: (before, after) =>
      isTerminal(before.status) && !(before.lastSeq === null && isDeepStrictEqual(before, { ...after, lastSeq: null })),
  },
  {
    invariant: "only the transitions of the state machine happen",
    isBroken: (before, after) => after.status !== before.status && !transitions[before.status].includes(after.status),
  },
  {
    invariant: "an attempt is raised by each start and by nothing else",
    isBroken: (before, after) => after.attempt !== before.attempt + (isStart(before, after) ? 1 : 0),
  },
  { invariant: "attempts have a maximum", isBroken: (_before, { attempt }) => attempt > maximumAttempts },
  { invariant: "launches only grow", isBroken: (before, after) => after.launches < before.launches },
  {
    invariant: "a cancelled job neither starts nor is claimed",
    isBroken: (before, after) =>
      before.cancelRequestedAt !== null && (isStart(before, after) || isClaim(before, after)),
  },
  {
    invariant: "a running job is cancelled by its runner, or when that does not obey",
    isBroken: (before, after) =>
      before.status === "running" && after.status === "cancelled" && before.cancelRequestedAt === null,
  },
  {
    invariant: "a job is given up for want of a runner only after so many launches",
    isBroken: (before, after) =>
      !isTerminal(before.status) &&
      after.reason?.message === neverClaimed &&
      (before.status !== "starting" || before.lostLaunches + 1 < maximumLostLaunches),
  },
  {
    invariant: "a cancel is not forgotten",
    isBroken: (before, after) => before.cancelRequestedAt !== null && after.cancelRequestedAt === null,
  },
];

/** What one write may change in a row. */
export function assertRowStep(before: JobRecord, after: JobRecord): void {
  const broken = rules.find((rule) => rule.isBroken(before, after));
  if (broken === undefined) return;
  const place = `${before.jobId}: ${before.status} (${before.attempt}) → ${after.status} (${after.attempt})`;
  throw new Violation(broken.invariant, place);
}
