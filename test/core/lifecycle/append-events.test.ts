import * as fc from "fast-check";
import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { Superseded } from "../../../core/errors.ts";
import { appendEvents, type EventWriter } from "../../../core/lifecycle/append-events.ts";
import type { EventLog } from "../../../core/ports.ts";
import { inMemoryEventLog } from "../../fakes/in-memory-event-log.ts";
import { finished, output, seqs, texts, upTo } from "../../helpers/events.ts";
import { testTable } from "../../helpers/table.ts";

const { events: log } = await testTable();
const unlimited = { events: 10_000, bytes: 100 * 1024 * 1024 };

const writerOf = (jobId: string, attempt = 1): EventWriter => ({ jobId, attempt, tail: undefined });

/** The log, counting the calls that reach it. */
function counted(events: EventLog) {
  const calls = { tail: 0, put: 0 };
  const counting: EventLog = {
    ...events,
    tail: (jobId) => {
      calls.tail++;
      return events.tail(jobId);
    },
    put: (batch) => {
      calls.put++;
      return events.put(batch);
    },
  };
  return { log: counting, calls };
}

describe("appending", () => {
  test("numbers the events densely, with the writer's attempt, over any number of batches", async () => {
    const writer = writerOf(ulid(), 2);

    await appendEvents(log, writer, [output("a"), output("b")]);
    await appendEvents(log, writer, [output("c")]);

    const stored = await log.read(writer.jobId, 0, unlimited);
    expect(stored.map(({ seq, attempt }) => [seq, attempt])).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
    expect(texts(stored)).toEqual(["a", "b", "c"]);
  });

  test("of nothing writes nothing", async () => {
    const { log: counting, calls } = counted(log);

    await appendEvents(counting, writerOf(ulid()), []);

    expect(calls).toEqual({ tail: 0, put: 0 });
  });

  test("reads the tail once, and is one write from then on", async () => {
    const { log: counting, calls } = counted(log);
    const writer = writerOf(ulid());

    for (const text of ["a", "b", "c"]) await appendEvents(counting, writer, [output(text)]);

    expect(calls).toEqual({ tail: 1, put: 3 });
  });

  test("goes on behind another writer that came first", async () => {
    const jobId = ulid();
    const [one, other] = [writerOf(jobId), writerOf(jobId)];
    await appendEvents(log, one, [output("a")]);
    await appendEvents(log, other, [output("b"), output("c")]);

    await appendEvents(log, one, [output("d")]);

    const stored = await log.read(jobId, 0, unlimited);
    expect(seqs(stored)).toEqual([1, 2, 3, 4]);
    expect(texts(stored)).toEqual(["a", "b", "c", "d"]);
  });

  test("by six writers at once loses and doubles nothing, each one's events in their order", async () => {
    const jobId = ulid();
    const writers = upTo(6);

    await Promise.all(
      writers.map(async (name) => {
        const writer = writerOf(jobId);
        for (const batch of upTo(4))
          await appendEvents(log, writer, [output(`${name}.${batch}a`), output(`${name}.${batch}b`)]);
      }),
    );

    const stored = await log.read(jobId, 0, unlimited);
    expect(seqs(stored)).toEqual(upTo(48));
    for (const name of writers) {
      const own = texts(stored).filter((text) => text.startsWith(`${name}.`));
      expect(own).toEqual(upTo(4).flatMap((batch) => [`${name}.${batch}a`, `${name}.${batch}b`]));
    }
  });
});

describe("a writer that must not write any more", () => {
  test("learns it from an event of a later attempt, and nothing of it is stored", async () => {
    const jobId = ulid();
    const stale = writerOf(jobId, 1);
    await appendEvents(log, stale, [output("a")]);
    await appendEvents(log, writerOf(jobId, 2), [output("b")]);

    await expect(appendEvents(log, stale, [output("c")])).rejects.toThrow(Superseded);

    expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["a", "b"]);
  });

  test("learns it from the end of the job, and nothing of it is stored", async () => {
    const jobId = ulid();
    const stale = writerOf(jobId);
    await appendEvents(log, stale, [output("a")]);
    await appendEvents(log, writerOf(jobId), [finished()]);

    await expect(appendEvents(log, stale, [output("b")])).rejects.toThrow(Superseded);

    expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["a", "job_finished"]);
  });

  test("has itself closed the log", async () => {
    const writer = writerOf(ulid());
    await appendEvents(log, writer, [output("a"), finished()]);

    await expect(appendEvents(log, writer, [output("b")])).rejects.toThrow(Superseded);
  });

  test("is not one that belongs to a later attempt than the last event", async () => {
    const jobId = ulid();
    await appendEvents(log, writerOf(jobId, 1), [output("a")]);

    await appendEvents(log, writerOf(jobId, 3), [output("b")]);

    expect(await log.tail(jobId)).toEqual({ seq: 2, attempt: 3, closed: false });
  });
});

describe("a batch whose answer was lost", () => {
  /** Stores the batch and then says that something failed, as often as told to. */
  function losingAnswers(times: number): EventLog {
    let left = times;
    return {
      ...log,
      async put(batch) {
        const isStored = await log.put(batch);
        if (left-- > 0) throw new Error("the answer was lost");
        return isStored;
      },
    };
  }

  test("is stored once when it is tried again under its id", async () => {
    const writer = writerOf(ulid());
    const losing = losingAnswers(1);
    const append = () => appendEvents(losing, writer, [output("a"), output("b")], "batch-1");
    await expect(append()).rejects.toThrow("the answer was lost");

    await append();
    await appendEvents(losing, writer, [output("c")], "batch-2");

    expect(texts(await log.read(writer.jobId, 0, unlimited))).toEqual(["a", "b", "c"]);
  });

  test("is stored once also when another writer has gone on meanwhile", async () => {
    const writer = writerOf(ulid());
    const losing = losingAnswers(1);
    const append = () => appendEvents(losing, writer, [output("a")], "batch-1");
    await expect(append()).rejects.toThrow("the answer was lost");
    await appendEvents(log, writerOf(writer.jobId), [output("b")]);

    await append();
    await appendEvents(losing, writer, [output("c")], "batch-2");

    expect(texts(await log.read(writer.jobId, 0, unlimited))).toEqual(["a", "b", "c"]);
  });
});

test("However the calls of any number of writers interleave and whatever answers are lost, the log is dense and whole", async () => {
  const batchSizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
  const allWriters = fc.array(batchSizes, { minLength: 1, maxLength: 5 });
  const lostAnswers = fc.array(fc.boolean(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), allWriters, lostAnswers, async (scheduler, writers, isLost) => {
      const jobId = ulid();
      const memory = inMemoryEventLog();
      const faults = isLost.values();
      const scheduled: EventLog = {
        tail: scheduler.scheduleFunction(memory.tail),
        read: memory.read,
        put: scheduler.scheduleFunction(async (batch) => {
          const isStored = await memory.put(batch);
          if (faults.next().value) throw new Error("the answer was lost");
          return isStored;
        }),
      };
      const nameOf = (writer: number, batch: number, event: number) => `${writer}.${batch}.${event}`;

      async function writeAll(sizes: readonly number[], name: number): Promise<void> {
        const writer = writerOf(jobId);
        for (const [batch, size] of sizes.entries()) {
          const events = upTo(size).map((event) => output(nameOf(name, batch, event)));
          const batchId = nameOf(name, batch, 0);
          const attempt = (): Promise<void> => appendEvents(scheduled, writer, events, batchId).catch(attempt);
          await attempt();
        }
      }
      await scheduler.waitFor(Promise.all(writers.map(writeAll)));

      const stored = await memory.read(jobId, 0, unlimited);
      const written = writers.flatMap((sizes, name) =>
        sizes.flatMap((size, batch) => upTo(size).map((event) => nameOf(name, batch, event))),
      );
      expect(seqs(stored)).toEqual(upTo(written.length));
      expect(texts(stored).toSorted()).toEqual(written.toSorted());
      for (const [name] of writers.entries()) {
        const isOwn = (text: string) => text.startsWith(`${name}.`);
        expect(texts(stored).filter(isOwn)).toEqual(written.filter(isOwn));
      }
    }),
    { numRuns: 300 },
  );
});
