import type { Random } from "./random.ts";

/** How nasty a schedule is. */
export interface Profile {
  readonly tenants: readonly string[];
  readonly maximumConcurrentJobs: number;
  readonly jobs: number;
  /** Turns of the environment: each is one call of a port, one event, or some time. */
  readonly turns: number;
  /** Of reconcile, by the minute, in which things still go wrong. */
  readonly rounds: number;
  readonly room: number;
  /** Of a call to go wrong. */
  readonly faults: number;
  /** Of a message to be lost, and to be doubled. */
  readonly disorder: number;
  /** Of a turn to let much time pass. */
  readonly jumps: number;
  /** Nothing goes wrong, so nothing may be lost and started again. */
  readonly isCalm: boolean;
}

/** The first two share a shard of the live index; the third has another. */
const tenantNames = ["alder", "elm", "cedar"] as const;

/** `size` is 1 for a long schedule, less for a shorter one. */
export function drawProfile(random: Random, size: number): Profile {
  const isCalm = random.isTrue(0.08);
  const tenants = tenantNames.slice(0, random.oneOf([1, 1, 1, 1, 2, 3]));
  return {
    ...{
      tenants,
      isCalm,
      maximumConcurrentJobs: random.oneOf([1, 1, 2, 3]),
      jobs: random.between(1, Math.ceil(6 * size)),
    },
    turns: random.between(Math.ceil(20 * size), Math.ceil(70 * size)),
    rounds: random.between(0, Math.ceil(8 * size)),
    room: isCalm ? 10 : random.between(1, 4),
    faults: isCalm ? 0 : random.oneOf([0, 0.03, 0.05, 0.1, 0.2]),
    disorder: isCalm ? 0 : random.oneOf([0, 0.1, 0.3]),
    jumps: isCalm ? 0 : random.oneOf([0, 0.01, 0.03, 0.1]),
  };
}
