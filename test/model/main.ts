import { parseArgs } from "node:util";
import { applyMutation } from "./apply-mutation.ts";
import { mutations } from "./mutations.ts";

/**
 * Runs schedules `from`, `from + 1`, … in a process of their own, with one guard less if a mutation is named, until the
 * first violation or until there have been `count`. Prints one line of JSON, a `BatchResult`.
 */
const { values } = parseArgs({
  options: {
    from: { type: "string" },
    count: { type: "string" },
    mutation: { type: "string" },
    memory: { type: "boolean" },
  },
});
if (values.mutation !== undefined) {
  const mutation = mutations.find(({ name }) => name === values.mutation);
  if (mutation === undefined) throw new Error(`There is no mutation "${values.mutation}".`);
  applyMutation(mutation);
}
const { runBatch } = await import("./batch.ts");
const result = await runBatch(values.memory ? "memory" : "dynamo", Number(values.from ?? 1), Number(values.count ?? 1));
process.stdout.write(`${JSON.stringify(result)}\n`);
