import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BatchResult } from "../model/batch.ts";
import { mutationTable } from "../model/mutation-table.ts";
import { report } from "../model/report.ts";

const run = promisify(execFile);
const main = new URL("../model/main.ts", import.meta.url).pathname;

/** So many schedules run on real tables, and so many more on stores in memory. */
const parts = [
  { kind: "dynamo", schedules: 100_000 },
  { kind: "memory", schedules: 1_000_000 },
] as const;
/** A process is replaced after so many, so that none grows old. */
const batchSize = 2_500;
const processes = 2;

/** The model-based test of the job protocol, at length. False if an invariant was broken. */
export async function chaosModel(log: (line: string) => void): Promise<boolean> {
  // By default other seeds each day: what the committed tests run is known to hold.
  const firstSeed = Number(process.env.CHAOS_SEED ?? Math.floor(Date.now() / 86_400_000) % 400) * 10_000_000;
  let violations = 0;
  for (const { kind, schedules } of parts) violations += await runPart(kind, firstSeed, schedules, log);
  return violations === 0;
}

/** The same with one guard of the protocol less, for each of them. False if that is not noticed. */
export function chaosMutations(log: (line: string) => void): Promise<boolean> {
  return mutationTable(log);
}

async function runPart(
  kind: (typeof parts)[number]["kind"],
  firstSeed: number,
  schedules: number,
  log: (line: string) => void,
): Promise<number> {
  const beginAt = performance.now();
  const totals = { schedules: 0, calls: 0, faults: 0, jobs: 0, violations: 0 };
  const batches = Array.from({ length: schedules / batchSize }, (_, index) => firstSeed + index * batchSize).values();
  const work = async () => {
    for (const from of batches) {
      const result = await runBatchApart(kind, from);
      for (const name of ["schedules", "calls", "faults", "jobs"] as const) totals[name] += result[name];
      if (result.violation === null) continue;
      totals.violations++;
      log(await report(result.violation.seed, kind));
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  const seconds = (performance.now() - beginAt) / 1_000;
  const rate = (totals.schedules / seconds).toFixed(1);
  log(
    `model on ${kind}: ${totals.schedules} schedules, ${totals.jobs} jobs, ${totals.calls} steps, ${totals.faults} faults ` +
      `in ${seconds.toFixed(0)} s (${rate} schedules/s), violations: ${totals.violations}`,
  );
  return totals.violations;
}

/** In a process of its own: one JavaScript thread cannot use two cores. */
async function runBatchApart(kind: string, from: number): Promise<BatchResult> {
  const parameters = ["--from", String(from), "--count", String(batchSize), ...(kind === "memory" ? ["--memory"] : [])];
  return JSON.parse((await run(process.execPath, [main, ...parameters])).stdout) as BatchResult;
}
