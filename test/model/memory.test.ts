import { expect, test } from "vitest";
import { expectNoViolation } from "./expect-batch.ts";
import { runSchedule } from "./schedule.ts";
import type { StoreKind } from "./stores.ts";

test("The same holds for many more schedules on stores in memory", async () => {
  expect(await expectNoViolation("memory", 3_000_000, 2_000)).toBeGreaterThan(0);
}, 900_000);

async function traceOf(seed: number, kind: StoreKind): Promise<string[]> {
  const lines: string[] = [];
  await runSchedule(seed, kind, { trace: (line) => lines.push(line) });
  return lines.map((line) => line.replaceAll(/"requestId":"[^"]*"/g, ""));
}

test("A seed decides everything in its schedule, on a real table, too", async () => {
  for (const kind of ["memory", "dynamo"] as const) {
    for (const seed of [1, 2, 3]) expect(await traceOf(seed, kind)).toEqual(await traceOf(seed, kind));
  }
});
