import { measurements } from "./measurements.ts";
import type { Measure, Report } from "./report.ts";

/** Runs the one measurement that is named, in a process of its own, and sends its report to the parent. */
const cleanUp = new AsyncDisposableStack();
let breakingOff: Promise<never> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    breakingOff ??= breakOff();
  });
}

const measure = await measurements[process.argv[2] ?? ""]?.();
if (measure === undefined) throw new Error(`There is no measurement ${process.argv[2]}.`);
const report = await measured(measure);
process.send?.(report, () => process.exit(0));

async function measured(measure: Measure): Promise<Report> {
  try {
    return await measure(cleanUp);
  } catch (error) {
    // What it runs on was taken away from it; the process ends when all of that is gone.
    await breakingOff;
    throw error;
  } finally {
    await cleanUp.disposeAsync();
  }
}

async function breakOff(): Promise<never> {
  await cleanUp.disposeAsync();
  process.exit(130);
}
