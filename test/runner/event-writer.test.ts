import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { JobEvent, NewJobEvent } from "../../core/job-events.ts";
import { flushAfterBytes, flushAfterMilliseconds, flushBurst, paneOutputChunkBytes } from "../../core/limits.ts";
import type { EventLog } from "../../core/ports.ts";
import type { Role } from "../../core/roles.ts";
import { JobEventWriter } from "../../runner/event-writer.ts";
import { JobStop } from "../../runner/job-stop.ts";
import { inMemoryEventLog } from "../fakes/in-memory-event-log.ts";
import { finished, placed, seqs, upTo } from "../helpers/events.ts";
import { fakeTime } from "../helpers/fake-time.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const { pass } = fakeTime();
const jobId = "01KB3Q9M6Y8Z4V5N7T2R1C0D9E";
const ts = "2026-11-22T10:00:00.000Z";
const noLimits = { events: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };

type Fault = "refuses" | "loses the answer";

/** A log that does as it is told: fails before or after it has stored a batch, or keeps a writer waiting. */
function troubledLog() {
  const log = inMemoryEventLog();
  const faults: Fault[] = [];
  let gate: Promise<void> | undefined;
  let puts = 0;
  const troubled: EventLog = {
    ...log,
    async put(batch) {
      puts += 1;
      await gate;
      const fault = faults.shift();
      if (fault === "refuses") throw new Error("the store is away");
      const isStored = await log.put(batch);
      if (fault === "loses the answer") throw new Error("the connection was reset");
      return isStored;
    },
  };
  return {
    log: troubled,
    fail: (...more: Fault[]) => void faults.push(...more),
    /** Every put waits until the answered function is called. */
    block(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    get puts() {
      return puts;
    },
    stored: () => log.read(jobId, 0, noLimits),
    /** What another process does to the same log. */
    append: (events: readonly JobEvent[]) => log.put({ jobId, batchId: crypto.randomUUID(), events }),
  };
}

function startWriter(log: EventLog, attempt = 1) {
  const stop = new JobStop();
  return { stop, writer: new JobEventWriter(log, { jobId, attempt, tail: undefined }, stop) };
}

function started(stage: string, role: Role = "executor"): NewJobEvent {
  return { type: "pane_started", ts, role, data: { paneId: "%1", stage, command: "true" } };
}

function output(text: string, offset = 0, role: Role = "executor"): NewJobEvent {
  return { type: "pane_output", ts, role, data: { text, offset } };
}

const stages = (events: readonly JobEvent[]) =>
  events.map((event) => (event.type === "pane_started" ? event.data.stage : event.type));

let log = troubledLog();

beforeEach(() => {
  log = troubledLog();
  // What operators would read about the faults that these tests make.
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  return () => vi.restoreAllMocks();
});

/** Uses up what may be stored without waiting. */
async function burst(writer: JobEventWriter): Promise<string[]> {
  const names = Array.from({ length: flushBurst }, (_, index) => `burst ${index}`);
  for (const name of names) {
    await writer.write(started(name));
    await pass(0);
  }
  return names;
}

describe("When events are stored", () => {
  test("The first few are stored at once, and what follows within half a second in one batch.", async () => {
    await using writer = startWriter(log.log).writer;
    const first = await burst(writer);
    expect(stages(await log.stored())).toEqual(first);
    for (const stage of ["2", "3", "4"]) {
      await writer.write(started(stage));
      await pass(100);
    }
    await pass(flushAfterMilliseconds - 301);
    expect(log.puts).toBe(flushBurst);
    await pass(2);
    expect(stages(await log.stored())).toEqual([...first, "2", "3", "4"]);
    expect(log.puts).toBe(flushBurst + 1);
  });

  test("After a pause the next one is stored at once again.", async () => {
    await using writer = startWriter(log.log).writer;
    const first = await burst(writer);
    await pass(flushAfterMilliseconds + 1);
    await writer.write(started("2"));
    await pass(0);
    expect(stages(await log.stored())).toEqual([...first, "2"]);
  });

  test("Whatever comes, no more batches are stored than one each half second, and the first few.", async () => {
    await using writer = startWriter(log.log).writer;
    const halfSeconds = 20;
    for (let count = 0; count < halfSeconds * 10; count++) {
      await writer.write(started(String(count)));
      await pass(flushAfterMilliseconds / 10);
    }
    expect(log.puts).toBeLessThanOrEqual(flushBurst + halfSeconds);
    expect(log.puts).toBeGreaterThanOrEqual(halfSeconds);
  });

  test("A batch that is large enough does not wait.", async () => {
    await using writer = startWriter(log.log).writer;
    await burst(writer);
    const text = "x".repeat(paneOutputChunkBytes - 200);
    for (let offset = 0; offset < flushAfterBytes; offset += text.length) await writer.write(output(text, offset));
    await pass(0);
    expect(log.puts).toBe(flushBurst + 1);
    expect(seqs(await log.stored())).toEqual(upTo(flushBurst + 3));
  });

  test("flush does not wait, and resolves only when all is stored.", async () => {
    await using writer = startWriter(log.log).writer;
    const first = await burst(writer);
    await writer.write(started("2"));
    await writer.write(started("3"));
    const release = log.block();
    let isFlushed = false;
    const flushing = writer.flush().then(() => {
      isFlushed = true;
    });
    await pass(10);
    expect(isFlushed).toBe(false);
    release();
    await flushing;
    expect(stages(await log.stored())).toEqual([...first, "2", "3"]);
  });

  test("flush of a writer that has nothing to store resolves at once.", async () => {
    await using writer = startWriter(log.log).writer;
    await writer.flush();
    expect(log.puts).toBe(0);
  });

  test("Disposing stores the rest and leaves no timer behind.", async () => {
    const { writer } = startWriter(log.log);
    for (const stage of ["1", "2", "3"]) await writer.write(started(stage));
    await writer[Symbol.asyncDispose]();
    expect(stages(await log.stored())).toEqual(["1", "2", "3"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("Small outputs", () => {
  test("of one role become one event, with the offset of the first.", async () => {
    await using writer = startWriter(log.log).writer;
    const first = await burst(writer);
    for (let offset = 5; offset < 10; offset++) await writer.write(output(String(offset), offset));
    await writer.flush();
    expect((await log.stored()).slice(first.length).map((event) => event.data)).toEqual([{ text: "56789", offset: 5 }]);
  });

  test("of two roles, and those before and after another event, stay apart.", async () => {
    await using writer = startWriter(log.log).writer;
    const first = await burst(writer);
    await writer.write(output("a", 0, "planner"));
    await writer.write(output("b", 0, "executor"));
    await writer.write(output("c", 1, "executor"));
    await writer.write(started("2"));
    await writer.write(output("d", 2, "executor"));
    await writer.flush();
    const stored = (await log.stored()).slice(first.length);
    const shown = stored.map((event) => (event.type === "pane_output" ? event.data.text : event.type));
    expect(shown).toEqual(["a", "bc", "pane_started", "d"]);
  });

  test("become several events where one would be too large, whatever characters they hold.", async () => {
    await using writer = startWriter(log.log).writer;
    const text = "한\x1b".repeat(1_000);
    for (let index = 0; index < 20; index++) await writer.write(output(text, index * 4_000));
    await writer.flush();
    const stored = await log.stored();
    expect(stored.length).toBeGreaterThan(1);
    let offset = 0;
    for (const event of stored) {
      if (event.type !== "pane_output") throw new Error(event.type);
      expect(Buffer.byteLength(event.data.text)).toBeLessThanOrEqual(paneOutputChunkBytes);
      expect(event.data.offset).toBe(offset);
      offset += Buffer.byteLength(event.data.text);
    }
    expect(offset).toBe(80_000);
  });
});

describe("When the store is in trouble", () => {
  test("A refused batch is tried again until it is stored, and later events wait for it.", async () => {
    await using writer = startWriter(log.log).writer;
    log.fail("refuses", "refuses", "refuses");
    await writer.write(started("1"));
    await writer.write(started("2"));
    await pass(500);
    await writer.write(started("3"));
    expect(await log.stored()).toEqual([]);
    await pass(4_000);
    expect(stages(await log.stored())).toEqual(["1", "2", "3"]);
  });

  test("A batch whose answer was lost is not stored twice.", async () => {
    await using writer = startWriter(log.log).writer;
    log.fail("loses the answer", "refuses", "loses the answer");
    await writer.write(started("1"));
    await pass(5_000);
    await writer.write(started("2"));
    await pass(5_000);
    expect(stages(await log.stored())).toEqual(["1", "2"]);
  });

  test("Writers are held up while much is not stored yet, and go on when it is.", async () => {
    await using writer = startWriter(log.log).writer;
    const release = log.block();
    const text = "x".repeat(8_000);
    let [written, isDone] = [0, false];
    const writing = (async () => {
      for (; written < 300; written++) await writer.write(output(text, written * 8_000));
      isDone = true;
    })();
    await pass(60_000);
    expect(isDone).toBe(false);
    // Half a megabyte, and the batch that is on its way.
    expect(written * text.length).toBeGreaterThan(512 * 1024);
    expect(written * text.length).toBeLessThan(768 * 1024);
    release();
    await pass(60_000);
    await writing;
    await writer.flush();
    const stored = await log.stored();
    expect(seqs(stored)).toEqual(upTo(stored.length));
    const bytes = stored.map((event) => (event.type === "pane_output" ? event.data.text.length : 0));
    expect(bytes.reduce((sum, length) => sum + length)).toBe(300 * 8_000);
  });

  test("Whatever fails and whenever, the log holds every event once and in order.", async () => {
    const kinds = ["write", "pass", "refuse", "lose", "append"] as const;
    const step = fc.record({ kind: fc.constantFrom(...kinds), amount: fc.integer({ min: 1, max: 2_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const trouble = troubledLog();
        const { writer, stop } = startWriter(trouble.log);
        const written: string[] = [];
        let foreign = 0;
        const act = {
          write: async (amount: number) => {
            written.push(`${written.length}`.padEnd(amount * 15, "."));
            await writer.write(started(written.at(-1) ?? ""));
          },
          pass,
          refuse: () => trouble.fail("refuses"),
          lose: () => trouble.fail("loses the answer"),
          // Of the same attempt, as a message that was sent to the job is.
          append: async () => {
            const { seq } = await trouble.log.tail(jobId);
            foreign += Number(await trouble.append(placed(seq + 1, [output("foreign")])));
          },
        };
        for (const { kind, amount } of steps) await act[kind](amount);
        const disposing = writer[Symbol.asyncDispose]();
        await pass(60_000);
        await disposing;
        const stored = await trouble.stored();
        expect(seqs(stored)).toEqual(upTo(stored.length));
        expect(stages(stored.filter((event) => event.type === "pane_started"))).toEqual(written);
        expect(stored).toHaveLength(written.length + foreign);
        expect(stop.cause).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

describe("When the job is somebody else's", () => {
  async function expectNothingMore(count: number): Promise<void> {
    const { stop, writer } = startWriter(log.log);
    await writer.write(started("late"));
    await pass(0);
    expect(stop.cause).toBe("superseded");
    expect(stop.abandoned.aborted).toBe(true);
    for (let index = 0; index < 200; index++) await writer.write(output("x".repeat(8_000), index * 8_000));
    await writer.flush();
    await writer[Symbol.asyncDispose]();
    expect(await log.stored()).toHaveLength(count);
    expect(vi.getTimerCount()).toBe(0);
  }

  test("A writer that finds a later attempt in the log stops the job, and neither stores nor waits any more.", async () => {
    await log.append(placed(1, [started("2")], 2));
    await expectNothingMore(1);
  });

  test("A writer that finds the log closed does the same.", async () => {
    await log.append(placed(1, [finished()]));
    await expectNothingMore(1);
  });

  test("A writer whose store is away gives up as soon as the job is abandoned.", async () => {
    const { stop, writer } = startWriter(log.log);
    log.fail(...Array.from({ length: 100 }, () => "refuses" as const));
    await writer.write(started("1"));
    await pass(3_500);
    const flushing = writer.flush();
    stop.stop("lost_contact");
    await flushing;
    await writer[Symbol.asyncDispose]();
    expect(await log.stored()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("Writers that are held up go on when the job is abandoned.", async () => {
    const { stop, writer } = startWriter(log.log);
    const release = log.block();
    const writing = (async () => {
      for (let index = 0; index < 200; index++) await writer.write(output("x".repeat(8_000), index * 8_000));
    })();
    await pass(10_000);
    stop.stop("superseded");
    await writing;
    release();
    await writer[Symbol.asyncDispose]();
  });

  test("A job that is only cancelled still has its events stored.", async () => {
    const { stop, writer } = startWriter(log.log);
    stop.stop("cancelled");
    await writer.write(started("1"));
    await writer[Symbol.asyncDispose]();
    expect(stages(await log.stored())).toEqual(["1"]);
  });
});
