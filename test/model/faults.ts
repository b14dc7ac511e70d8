import type { Random } from "./random.ts";

/**
 * What may go wrong with one call of a port. Failed: the caller gets an error, although what it asked for may have been
 * done, or is done later. Repeated: the SDK tried twice, and the caller learns what became of the second try. Died: the
 * caller is no more. Stalled: the caller, or the answer, is held up for so long that everybody else goes on without it.
 */
export type Fault =
  | "failed"
  | "failed_when_done"
  | "failed_done_later"
  | "repeated"
  | "died"
  | "died_when_done"
  | "stalled"
  | "stalled_when_done";

const weights: Readonly<Record<Fault, number>> = {
  failed: 2,
  failed_when_done: 3,
  failed_done_later: 2,
  repeated: 2,
  died: 2,
  died_when_done: 3,
  stalled: 3,
  stalled_when_done: 1,
};

/** Whether what the call asks for is done in its turn. */
export const isDoneDespite: Readonly<Record<Fault, boolean>> = {
  ...{ failed: false, failed_done_later: false, died: false, stalled: false },
  ...{ failed_when_done: true, repeated: true, died_when_done: true, stalled_when_done: true },
};

export function drawFault(random: Random, probability: number): Fault | undefined {
  return random.isTrue(probability) ? random.weighted(weights) : undefined;
}

/** What a caller gets whose call has failed. */
export class Outage extends Error {
  override readonly name = "Outage";
}
