import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BatchResult } from "./batch.ts";
import { type Mutation, mutations } from "./mutations.ts";

const main = new URL("main.ts", import.meta.url).pathname;
const run = promisify(execFile);

export interface MutationResult {
  readonly mutation: Mutation;
  /** Undefined: it survived. */
  readonly found: { readonly afterSchedules: number; readonly invariant: string } | undefined;
}

/** Runs schedules without one guard, in a process of their own, until an invariant is broken or there were enough. */
export async function tryMutation(mutation: Mutation, signal?: AbortSignal): Promise<MutationResult> {
  // What the adapters do cannot be seen on fakes, and takes longer.
  const isOfAdapter = mutation.file.startsWith("adapters/");
  const count = isOfAdapter ? 400 : mutation.survivesBecause === undefined ? 20_000 : 4_000;
  const parameters = ["--mutation", mutation.name, "--from", String(mutation.from ?? 1), "--count", String(count)];
  const { stdout } = await run(process.execPath, [main, ...parameters, ...(isOfAdapter ? [] : ["--memory"])], {
    signal,
  });
  const { violation, schedules } = JSON.parse(stdout) as BatchResult;
  const found = violation ? { afterSchedules: schedules, invariant: violation.invariant } : undefined;
  return { mutation, found };
}

/** All of them, two at a time. False if one survives without a reason. */
export async function mutationTable(log: (line: string) => void, signal: AbortSignal): Promise<boolean> {
  const left = mutations.values();
  let isAsExpected = true;
  const work = async () => {
    for (const mutation of left) {
      const { name, survivesBecause } = mutation;
      const { found } = await tryMutation(mutation, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        log(`${name} could not be tried: ${String(error)}`);
        isAsExpected = false;
        return { found: undefined };
      });
      const outcome = found ? `found after ${found.afterSchedules} schedules: ${found.invariant}` : "survived";
      log(`${name} → ${outcome}${survivesBecause ? ` (${survivesBecause})` : ""}`);
      if (found === undefined && survivesBecause === undefined) isAsExpected = false;
    }
  };
  await Promise.all([work(), work()]);
  return isAsExpected;
}
