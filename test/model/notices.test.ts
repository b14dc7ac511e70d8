import { expect, test } from "vitest";
import { tryMutation } from "./mutation-table.ts";
import { mutations } from "./mutations.ts";

/** Those that are found soonest, of each kind of guard; `npm run chaos` tries them all. */
const quick = [
  "an event takes the place of another",
  "slots have no maximum",
  "a claim takes what is not starting",
  "a task that is not known counts as stopped",
  "whoever comes tells the loss once more",
  "nobody looks after running jobs",
];

test.each(quick)(
  "The model notices when %s",
  async (name) => {
    const mutation = mutations.find((other) => other.name === name);
    if (mutation === undefined) throw new Error(`There is no mutation "${name}".`);
    expect((await tryMutation(mutation)).found).toBeDefined();
  },
  300_000,
);
