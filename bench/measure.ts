import { measurements } from "./measurements.ts";

/** Runs the one measurement that is named, in a process of its own, and sends its report to the parent. */
const cleanUp = new AsyncDisposableStack();

async function breakOff(): Promise<never> {
  await cleanUp.disposeAsync();
  process.exit(130);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void breakOff());

const measure = await measurements[process.argv[2] ?? ""]?.();
if (measure === undefined) throw new Error(`There is no measurement ${process.argv[2]}.`);
let report: object;
try {
  report = await measure(cleanUp);
} finally {
  await cleanUp.disposeAsync();
}
process.send?.(report, () => process.exit(0));
