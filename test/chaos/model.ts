import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BatchResult } from "../model/batch.ts";
import { mutationTable } from "../model/mutation-table.ts";
import { report } from "../model/report.ts";
import type { StoreKind } from "../model/stores.ts";
import type { ChaosPart } from "./part.ts";

const run = promisify(execFile);
const main = new URL("../model/main.ts", import.meta.url).pathname;

interface Part {
  readonly kind: StoreKind;
  readonly schedules: number;
}

/** On real tables, and, longer ones, on stores in memory: 35 and 4 minutes of two cores. */
const parts: readonly Part[] = [
  { kind: "dynamo", schedules: 100_000 },
  { kind: "memory", schedules: 200_000 },
];
/** A process is replaced after so many, so that none grows old. */
const batchSize = 2_500;
const processes = 2;

/** The model-based test of the job protocol, at length. False if an invariant was broken. */
export const chaosModel: ChaosPart = async (log, cleanUp) => {
  // By default other seeds each day: what the committed tests run is known to hold.
  const firstSeed = Number(process.env.CHAOS_SEED ?? Math.floor(Date.now() / 86_400_000) % 400) * 10_000_000;
  let violations = 0;
  for (const part of parts) violations += await runPart(part, firstSeed, log, endOf(cleanUp));
  return violations === 0;
};

/** The same with one guard of the protocol less, for each of them. False if that is not noticed. */
export const chaosMutations: ChaosPart = (log, cleanUp) => mutationTable(log, endOf(cleanUp));

/** Ends the processes that were started. */
function endOf(cleanUp: AsyncDisposableStack): AbortSignal {
  const ending = new AbortController();
  cleanUp.defer(() => ending.abort());
  return ending.signal;
}

async function runPart(
  { kind, schedules }: Part,
  firstSeed: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const beginAt = performance.now();
  const totals = { schedules: 0, calls: 0, faults: 0, jobs: 0, violations: 0 };
  const batches = Array.from({ length: schedules / batchSize }, (_, index) => firstSeed + index * batchSize).values();
  const work = async () => {
    for (const from of batches) {
      const result = await runBatchApart(kind, from, signal);
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
async function runBatchApart(kind: StoreKind, from: number, signal: AbortSignal): Promise<BatchResult> {
  const parameters = ["--from", String(from), "--count", String(batchSize), ...(kind === "memory" ? ["--memory"] : [])];
  return JSON.parse((await run(process.execPath, [main, ...parameters], { signal })).stdout) as BatchResult;
}
