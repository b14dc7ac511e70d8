import type { ChaosPart } from "./part.ts";

/**
 * `npm run chaos`: what the service promises, under crashes and under load. With names after it only those parts are run.
 * `CHAOS_SEED` repeats the plan of an earlier run.
 */
const parts: Readonly<Record<string, () => Promise<ChaosPart>>> = {
  model: async () => (await import("./model.ts")).chaosModel,
  mutations: async () => (await import("./model.ts")).chaosMutations,
  processes: async () => (await import("./processes.ts")).chaosProcesses,
  load: async () => (await import("./load.ts")).chaosLoad,
};

const cleanUp = new AsyncDisposableStack();
let breakingOff: Promise<never> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    breakingOff ??= breakOff();
  });
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  say(`There is no part ${unknown.join(", ")}. There are: ${Object.keys(parts).join(", ")}.`);
  process.exit(2);
}
const failed: string[] = [];
for (const [name, load] of Object.entries(parts)) {
  if (names.length > 0 && !names.includes(name)) continue;
  say(`\n${name} …`);
  const beganAt = performance.now();
  if (!(await isWell(await load()))) failed.push(name);
  say(`(${((performance.now() - beganAt) / 1_000).toFixed(0)} s)`);
}
say(failed.length === 0 ? "\nAll is well." : `\nNot well: ${failed.join(", ")}.`);
process.exit(failed.length === 0 ? 0 : 1);

async function isWell(part: ChaosPart): Promise<boolean> {
  try {
    await using own = new AsyncDisposableStack();
    cleanUp.use(own);
    return await part(say, own);
  } catch (error) {
    // What it runs on was taken away from it; the process ends when all of that is gone.
    await breakingOff;
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return false;
  }
}

async function breakOff(): Promise<never> {
  await cleanUp.disposeAsync();
  process.exit(130);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
