import type { PlanRandom } from "./random.ts";

/** What befalls the service. */
type BlowKind =
  | "runner killed"
  | "runner told to stop"
  | "stack killed"
  | "stack and runners killed"
  | "stack stopped by Ctrl-C";

/** How often each kind strikes, for 100 jobs. */
const blowsPer100Jobs: Readonly<Record<BlowKind, number>> = {
  "runner killed": 20,
  "runner told to stop": 6,
  "stack killed": 5,
  "stack and runners killed": 2,
  "stack stopped by Ctrl-C": 1.4,
};

/** How long the stack stays away at most, and how many of 20 times. */
const pauses = [
  { milliseconds: 1_500, times: 13 },
  { milliseconds: 12_000, times: 7 },
];
/** A runner that cannot reach its store for 75 s gives its job up. */
const outageMilliseconds = 85_000;

export interface Blow {
  readonly kind: BlowKind;
  /** Since the blow before. */
  readonly afterMilliseconds: number;
  /** How long the stack then stays away. */
  readonly pauseMilliseconds: number;
  /** Which of the runners, from 0 to 1. */
  readonly which: number;
}

export interface PlannedJob {
  readonly name: string;
  /** Since the submission before. */
  readonly afterMilliseconds: number;
  /** How long its three commands take in all. */
  readonly workMilliseconds: number;
  /** Since it was accepted. */
  readonly cancelAfterMilliseconds: number | undefined;
  readonly keepsSession: boolean;
  /** Whether its events are followed from the beginning, over all that happens. */
  readonly isFollowed: boolean;
  /** Whether the client repeats the request although it was answered. */
  readonly isSubmittedTwice: boolean;
}

export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly blows: readonly Blow[];
}

export function plan(random: PlanRandom, jobCount: number): Plan {
  const jobs = Array.from({ length: jobCount }, (_, index) => plannedJob(random, index));
  const kinds = Object.entries(blowsPer100Jobs).flatMap(([kind, per100]) =>
    Array.from({ length: Math.ceil((per100 * jobCount) / 100) }, () => kind as BlowKind),
  );
  const blows = random.shuffled(kinds).map((kind) => blow(random, kind));
  // In the middle of everything, and after enough time for runners to be at work.
  const outage = { kind: "stack killed", afterMilliseconds: 6_000, pauseMilliseconds: outageMilliseconds } as const;
  const middle = Math.floor(blows.length / 2);
  return { jobs, blows: blows.toSpliced(middle, 0, { ...blow(random, "stack killed"), ...outage }) };
}

function plannedJob(random: PlanRandom, index: number): PlannedJob {
  return {
    name: `job-${index}`,
    afterMilliseconds: random.between(0, 600),
    // Many short ones, few long ones.
    workMilliseconds: 1_000 + 19_000 * random.between(0, 1) ** 2,
    cancelAfterMilliseconds: random.chance(0.06) ? random.between(0, 60_000) : undefined,
    keepsSession: random.chance(0.3),
    isFollowed: index % 10 === 0,
    isSubmittedTwice: random.chance(0.1),
  };
}

function blow(random: PlanRandom, kind: BlowKind): Blow {
  const turn = random.between(0, 20);
  const longest = turn < (pauses[0]?.times ?? 0) ? pauses[0] : pauses[1];
  return {
    kind,
    afterMilliseconds: random.between(500, 4_500),
    pauseMilliseconds: random.between(0, longest?.milliseconds ?? 0),
    which: random.between(0, 1),
  };
}
