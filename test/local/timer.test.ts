import { expect, test, vi } from "vitest";
import { inTurn, repeatedly } from "../../local/timer.ts";

test("What is done in turn is done one at a time, in the order in which it was asked for", async () => {
  const begun: number[] = [];
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const act = inTurn(
    async (event) => {
      const number = Number((event as { number: number }).number);
      begun.push(number);
      await gates[number]?.promise;
    },
    () => undefined,
  );

  for (const number of [0, 1, 2]) act({ number });

  await vi.waitFor(() => expect(begun).toEqual([0]));
  gates[0]?.resolve();
  await vi.waitFor(() => expect(begun).toEqual([0, 1]));
  gates[1]?.resolve();
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]));
  gates[2]?.resolve();
});

test("What is asked for again before its turn has come is done once, and again if it has come already", async () => {
  const begun: object[] = [];
  const [first, again] = [{}, {}];
  const gate = Promise.withResolvers<void>();
  const act = inTurn(
    async (event) => {
      begun.push(event);
      await gate.promise;
    },
    () => undefined,
  );

  act(first);
  await vi.waitFor(() => expect(begun).toEqual([first]));
  for (const event of [again, first, again, first]) act(event);
  gate.resolve();

  await vi.waitFor(() => expect(begun).toHaveLength(3));
  act(again);
  await vi.waitFor(() => expect(begun).toHaveLength(4));
  expect(begun.map((event) => (event === first ? "first" : "again"))).toEqual(["first", "again", "first", "again"]);
});

test("What fails in its turn is told, and keeps nothing after it from its own", async () => {
  const told: string[] = [];
  const done = Promise.withResolvers<void>();
  const act = inTurn(
    async (event) => {
      if ("fails" in event) throw new Error("the store is away");
      done.resolve();
    },
    (line) => told.push(line),
  );

  act({ fails: true });
  act({});

  await done.promise;
  expect(told).toEqual(["reconcile failed: Error: the store is away"]);
});

test("What is done repeatedly ends when it is disposed of", () => {
  vi.useFakeTimers();
  const act = vi.fn();
  const timer = repeatedly(60, act);

  vi.advanceTimersByTime(180_000);
  timer[Symbol.dispose]();
  vi.advanceTimersByTime(180_000);

  expect(act).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
