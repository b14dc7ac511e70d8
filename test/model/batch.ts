import { runSchedule } from "./schedule.ts";
import type { StoreKind } from "./stores.ts";

/** What came of a number of schedules with consecutive seeds. */
export interface BatchResult {
  readonly schedules: number;
  readonly calls: number;
  readonly faults: number;
  readonly jobs: number;
  /** The first one, which ends the batch. */
  readonly violation: { readonly seed: number; readonly invariant: string; readonly message: string } | null;
}

export async function runBatch(kind: StoreKind, from: number, count: number): Promise<BatchResult> {
  let [schedules, calls, faults, jobs] = [0, 0, 0, 0];
  while (schedules < count) {
    const seed = from + schedules;
    const result = await runSchedule(seed, kind);
    schedules++;
    calls += result.calls;
    faults += result.faults;
    jobs += result.jobs;
    if (result.violation === undefined) continue;
    const { invariant, message } = result.violation;
    return { schedules, calls, faults, jobs, violation: { seed, invariant, message } };
  }
  return { schedules, calls, faults, jobs, violation: null };
}
