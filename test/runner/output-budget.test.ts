import { expect, test } from "vitest";
import { OutputBudget } from "../../runner/output-budget.ts";

test("Bytes are granted as long as they fit, to the last one.", () => {
  const budget = new OutputBudget(10);
  expect([budget.take(4), budget.take(0), budget.take(6), budget.take(0), budget.take(1)]).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("Once something did not fit, nothing smaller does either.", () => {
  const budget = new OutputBudget(10);
  expect(budget.take(11)).toBe(false);
  expect(budget.take(1)).toBe(false);
});
