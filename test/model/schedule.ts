import { Environment } from "./environment.ts";
import { assertFinalInvariants } from "./final-invariants.ts";
import { Random } from "./random.ts";
import { comeToRest, goOn } from "./rest.ts";
import type { Trace } from "./scheduler.ts";
import type { StoreKind } from "./stores.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface ScheduleResult {
  readonly calls: number;
  readonly faults: number;
  readonly jobs: number;
  readonly violation: Violation | undefined;
}

/**
 * One schedule: a bounded number of turns in which anything may go wrong, then rest. The seed decides everything in it,
 * so that it can be run again. `turns` ends the first part sooner.
 */
export async function runSchedule(
  seed: number,
  kind: StoreKind,
  options: { trace?: Trace; turns?: number } = {},
): Promise<ScheduleResult> {
  const { random } = Math;
  // The order in which reconcile takes jobs and shards is drawn by the product itself.
  Math.random = new Random(~seed).next;
  const world = await World.create(seed, kind, options.trace);
  let violation: Violation | undefined;
  try {
    const environment = new Environment(world);
    const turns = Math.min(options.turns ?? Number.POSITIVE_INFINITY, world.profile.turns);
    for (let turn = 0; turn < turns; turn++) await environment.turn();
    await goOn(world, environment);
    options.trace?.("-- rest --");
    await comeToRest(world);
    await assertFinalInvariants(world);
  } catch (error) {
    violation =
      error instanceof Violation
        ? error
        : new Violation("no surprises", String(error instanceof Error ? error.stack : error));
    options.trace?.(String(violation));
  } finally {
    Math.random = random;
  }
  return { calls: world.scheduler.calls, faults: world.scheduler.faults, jobs: world.ledger.jobs.length, violation };
}
