import { runBatch } from "./batch.ts";
import { report } from "./report.ts";
import type { StoreKind } from "./stores.ts";

/** Runs the schedules; throws what happened in the first one that breaks an invariant. `MODEL_SEED` names the only one to run. */
export async function expectNoViolation(kind: StoreKind, from: number, count: number): Promise<number> {
  const seed = process.env.MODEL_SEED;
  const { schedules, violation } = await (seed ? runBatch(kind, Number(seed), 1) : runBatch(kind, from, count));
  if (violation) throw new Error(await report(violation.seed, kind));
  return schedules;
}
