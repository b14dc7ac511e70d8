import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import {
  lineageOf,
  type ProcessEntry,
  parseProcessStat,
  readProcess,
  readProcessTable,
  treesOf,
} from "../../../runner/pane/process-table.ts";

const stat = (name: string, state: string) =>
  `42 (${name}) ${state} 7 42 40 34816 42 4194304 1 0 0 0 0 0 0 0 20 0 1 0 98765 1000 200`;

test.each([["sleep"], ["a b"], [") R 1 1 1"], ["(("], ["x\n)"]])("A process may be called %j", (name) => {
  expect(parseProcessStat(stat(name, "S"))).toEqual({
    processId: 42,
    parentId: 7,
    sessionId: 40,
    startTicks: "98765",
    isStopped: false,
  });
});

test("A zombie and a line cut short are no living process", () => {
  expect(parseProcessStat(stat("sleep", "Z"))).toBeUndefined();
  expect(parseProcessStat("42 (sleep) S 7 42")).toBeUndefined();
});

test("A child is found below this process while it lives, and not after", async () => {
  const child = spawn("sleep", ["3600"]);
  const processId = child.pid ?? 0;
  const table = await readProcessTable();
  expect(treesOf([process.pid], table)).toContain(processId);
  expect(lineageOf(processId, table)).toContain(process.pid);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await readProcess(processId)).toBeUndefined();
});

test("Trees hold roots and all below them, once each, and only what lives", () => {
  const table = tableOf([2, 1], [3, 2], [4, 3], [5, 1], [6, 99]);
  expect([...treesOf([2, 3], table)].sort()).toEqual([2, 3, 4]);
  expect([...treesOf([99], table)]).toEqual([6]);
});

test("A circle of parents, as one look at a changing machine may show, ends the walk", () => {
  const table = tableOf([2, 3], [3, 2]);
  expect([...treesOf([2], table)].sort()).toEqual([2, 3]);
  expect([...lineageOf(2, table)].sort()).toEqual([2, 3]);
});

function tableOf(...pairs: readonly (readonly [number, number])[]): Map<number, ProcessEntry> {
  return new Map(
    pairs.map(([processId, parentId]) => [
      processId,
      { processId, parentId, sessionId: 0, startTicks: "1", isStopped: false },
    ]),
  );
}
