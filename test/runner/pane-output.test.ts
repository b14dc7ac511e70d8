import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NewJobEvent } from "../../core/job-events.ts";
import { paneOutputChunkBytes, truncatedTailBytes } from "../../core/limits.ts";
import { OutputBudget } from "../../runner/output-budget.ts";
import { PaneOutput } from "../../runner/pane-output.ts";

const unlimited = Number.MAX_SAFE_INTEGER;
const token = "ghp_0123456789abcdef";

interface Options {
  readonly budget?: number | OutputBudget;
  readonly secrets?: Record<string, string>;
}

/** What a stage that printed these chunks is stored as. */
async function eventsOf(chunks: readonly Uint8Array[], { budget = unlimited, secrets = {} }: Options = {}) {
  const events: NewJobEvent[] = [];
  const shared = typeof budget === "number" ? new OutputBudget(budget) : budget;
  const output = new PaneOutput("executor", secrets, shared, async (event) => void events.push(event));
  for (const chunk of chunks) await output.push(chunk);
  await output.end();
  return events;
}

type Output = Extract<NewJobEvent, { type: "pane_output" }>["data"];

function outputs(events: readonly NewJobEvent[]): Output[] {
  return events.flatMap((event) => (event.type === "pane_output" ? [event.data] : []));
}

function textOf(events: readonly NewJobEvent[]): string {
  return outputs(events)
    .map(({ text }) => text)
    .join("");
}

function skippedBytes(events: readonly NewJobEvent[]): number {
  const cuts = events.flatMap((event) => (event.type === "output_truncated" ? [event.data.skippedBytes] : []));
  expect(cuts.length).toBeLessThanOrEqual(1);
  return cuts[0] ?? 0;
}

const asText = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const redacted = (text: string) => text.replaceAll(token, "[redacted:TOKEN]");

/** Every chunk is small and well-formed, and is what the bytes from its offset to the next chunk's show. */
function expectChunksOf(all: Uint8Array, chunks: readonly Output[], endOffset = all.length): void {
  for (const [index, { text, offset }] of chunks.entries()) {
    const end = chunks[index + 1]?.offset ?? endOffset;
    expect(end).toBeGreaterThan(offset);
    expect(text).toBe(redacted(asText(all.subarray(offset, end))));
    expect(text.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(paneOutputChunkBytes);
  }
}

const part = fc.oneof(
  fc
    .constantFrom(
      "한국어 문장입니다. ",
      "🙂🎉",
      "plain text\r\n",
      "\x1b[1;31m",
      "é",
      "\ufeff",
      token,
      token.slice(0, 9),
    )
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 6 }),
  fc.uint8Array({ min: 0x80, max: 0xff, maxLength: 6 }),
);

/** Bytes as a pane may print them, and how they happen to arrive. */
const printed = fc
  .record({
    parts: fc.array(fc.tuple(part, fc.integer({ min: 1, max: 4_000 })), { maxLength: 6 }),
    chunkBytes: fc.integer({ min: 700, max: 70_000 }),
  })
  .map(({ parts, chunkBytes }) => {
    const all = Buffer.concat(parts.flatMap(([one, times]) => Array.from({ length: times }, () => one)));
    const chunks = Array.from({ length: Math.ceil(all.length / chunkBytes) }, (_, index) =>
      all.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    );
    return { all, chunks };
  });

const options = { secrets: { TOKEN: token } };

describe("Whatever a pane prints, however it arrives", () => {
  test("its chunks follow each other without a gap, and each offset is that of its first byte in the pane.", async () => {
    await fc.assert(
      fc.asyncProperty(printed, async ({ all, chunks }) => {
        const events = await eventsOf(chunks, options);
        expect(events.every((event) => event.type === "pane_output" && event.role === "executor")).toBe(true);
        if (all.length > 0) expect(outputs(events)[0]?.offset).toBe(0);
        expectChunksOf(all, outputs(events));
        expect(textOf(events)).toBe(redacted(asText(all)));
      }),
    );
  });

  test("its beginning and its end are kept when it exceeds the budget, and what is missing is counted.", async () => {
    await fc.assert(
      fc.asyncProperty(printed, fc.integer({ min: 0, max: 150_000 }), async ({ all, chunks }, budget) => {
        const events = await eventsOf(chunks, { ...options, budget });
        const limits = events.filter((event) => event.type === "limit_hit");
        expect(limits).toHaveLength(all.length > budget ? 1 : 0);
        const skipped = skippedBytes(events);
        const cut = events.findIndex((event) => event.type === "output_truncated");
        const [head, tail] = [events.slice(0, cut), events.slice(cut)].map(outputs) as [Output[], Output[]];
        if (cut === -1) return expectChunksOf(all, outputs(events));
        const tailOffset = tail[0]?.offset ?? 0;
        const headBytes = tailOffset - skipped;
        expect(skipped).toBeGreaterThan(0);
        expect(headBytes).toBeLessThanOrEqual(budget);
        expectChunksOf(all, head, headBytes);
        expectChunksOf(all, tail);
        expect(all.length - tailOffset).toBeGreaterThanOrEqual(truncatedTailBytes);
        expect(all.length - tailOffset).toBeLessThan(truncatedTailBytes + paneOutputChunkBytes);
      }),
    );
  });
});

test("The parts of a character and of a secret wait for the rest, over any number of chunks.", async () => {
  const bytes = [...Buffer.from(`한🙂${token}!`)].map((byte) => Uint8Array.of(byte));
  const events = await eventsOf(bytes, options);
  expect(outputs(events)).toEqual([
    { text: "한", offset: 0 },
    { text: "🙂", offset: 3 },
    { text: "[redacted:TOKEN]", offset: 7 },
    { text: "!", offset: 27 },
  ]);
});

test("What was held back is shown at the end of the stage.", async () => {
  const half = Buffer.from("한").subarray(0, 2);
  const events = await eventsOf([Buffer.from(token.slice(0, 9)), half], options);
  expect(textOf(events)).toBe(`${token.slice(0, 9)}\ufffd`);
});

test("A stage that prints nothing has no events.", async () => {
  expect(await eventsOf([])).toEqual([]);
  expect(await eventsOf([new Uint8Array()])).toEqual([]);
});

test("Output exactly as large as the budget is stored whole.", async () => {
  const bytes = randomBytes(40_000);
  expect(textOf(await eventsOf([bytes], { budget: 40_000 }))).toBe(asText(bytes));
});

test("Output that exceeds the budget by less than its kept tail loses nothing, and nothing is said to be missing.", async () => {
  const bytes = Buffer.from("line\r\n".repeat(5_000));
  const events = await eventsOf([bytes], { budget: 10_000 });
  expect(textOf(events)).toBe(bytes.toString());
  expect(events.filter((event) => event.type !== "pane_output").map((event) => event.type)).toEqual(["limit_hit"]);
});

test("The budget is shared: a stage that begins when it is used up keeps only its tail.", async () => {
  const budget = new OutputBudget(10_000);
  await eventsOf([Buffer.alloc(20_000, "a")], { budget });
  const events = await eventsOf([Buffer.alloc(200_000, "b"), Buffer.from("the end")], { budget });
  expect(events.map((event) => event.type).slice(0, 3)).toEqual(["limit_hit", "output_truncated", "pane_output"]);
  expect(textOf(events).endsWith(`${"b".repeat(60_000)}the end`)).toBe(true);
  expect(skippedBytes(events) + textOf(events).length).toBe(200_007);
});

test("The limit is told when it is reached, not at the end of the stage.", async () => {
  const events: NewJobEvent[] = [];
  const output = new PaneOutput("planner", {}, new OutputBudget(5), async (event) => void events.push(event));
  await output.push(Buffer.from("12345"));
  await output.push(Buffer.from("6"));
  expect(events).toMatchObject([
    { type: "pane_output", role: "planner" },
    { type: "limit_hit", role: "planner", data: { limit: "output", detail: expect.stringContaining("maxLogBytes") } },
  ]);
});

test("A slow store holds the reader up: the next chunk waits until the events of the last are taken.", async () => {
  const gate = Promise.withResolvers<void>();
  const taken: string[] = [];
  const output = new PaneOutput("planner", {}, new OutputBudget(unlimited), async (event) => {
    await gate.promise;
    if (event.type === "pane_output") taken.push(event.data.text);
  });
  let isTaken = false;
  const pushing = output.push(Buffer.from("text")).then(() => {
    isTaken = true;
  });
  await new Promise(setImmediate);
  expect(isTaken).toBe(false);
  gate.resolve();
  await pushing;
  expect(taken).toEqual(["text"]);
});
