import { runSchedule } from "./schedule.ts";
import type { StoreKind } from "./stores.ts";

/**
 * What happened in the schedule of this seed, line by line. It is cut to as few turns as still break the invariant:
 * what comes after them only hides what counts.
 */
export async function report(seed: number, kind: StoreKind): Promise<string> {
  let turns = 0;
  while (turns < 200 && (await runSchedule(seed, kind, { turns })).violation === undefined) turns++;
  const lines = [`Seed ${seed}, ${turns} turns. Run it again with MODEL_SEED=${seed}.`];
  await runSchedule(seed, kind, { turns, trace: (line) => lines.push(line.slice(0, 300)) });
  return lines.join("\n");
}
