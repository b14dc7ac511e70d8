import * as fc from "fast-check";
import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import type { JobEvent, NewJobEvent } from "../../core/job-events.ts";
import type { EventLog } from "../../core/ports.ts";
import { finished, output, placed, seqs, texts, upTo } from "../helpers/events.ts";

const unlimited = { events: 1_000, bytes: 100 * 1024 * 1024 };

/** What every log of events does. `runs` is how often its properties are tried. */
export function eventLogContract(log: EventLog, { runs }: { readonly runs: number }): void {
  const batch = (jobId: string, firstSeq: number, events: readonly NewJobEvent[], attempt = 1) => ({
    jobId,
    batchId: crypto.randomUUID(),
    events: placed(firstSeq, events, attempt),
  });

  /** Batches of these sizes; each event's text is its seq. */
  async function storeBatches(jobId: string, sizes: readonly number[]): Promise<number> {
    let seq = 0;
    for (const size of sizes) {
      const events = upTo(size).map((number) => output(`${seq + number}`));
      if (!(await log.put(batch(jobId, seq + 1, events)))) throw new Error("The seq is taken.");
      seq += size;
    }
    return seq;
  }

  describe("the tail", () => {
    test("of a job without events is 0 and open", async () => {
      expect(await log.tail(ulid())).toEqual({ seq: 0, attempt: 0, closed: false });
    });

    test("is the last event of the last batch, and whose it is", async () => {
      const jobId = ulid();
      await log.put(batch(jobId, 1, [output("a"), output("b")], 1));
      await log.put(batch(jobId, 3, [output("c"), output("d"), output("e")], 2));

      expect(await log.tail(jobId)).toEqual({ seq: 5, attempt: 2, closed: false });
    });

    test("is closed once job_finished is in the log", async () => {
      const jobId = ulid();
      await log.put(batch(jobId, 1, [output("a"), finished()]));

      expect(await log.tail(jobId)).toEqual({ seq: 2, attempt: 1, closed: true });
    });
  });

  describe("a batch", () => {
    test("whose first seq is taken is not stored, and what is stored stays", async () => {
      const jobId = ulid();
      await log.put(batch(jobId, 1, [output("first")]));

      expect(await log.put(batch(jobId, 1, [output("second"), output("third")]))).toBe(false);

      expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["first"]);
    });

    test("that is put again, its answer having been lost, is stored once and answered as stored", async () => {
      const jobId = ulid();
      const once = batch(jobId, 1, [output("a"), output("b")]);
      await log.put(once);

      expect(await log.put(once)).toBe(true);

      expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["a", "b"]);
    });

    test("that is put again after another writer has gone on is still answered as stored", async () => {
      const jobId = ulid();
      const once = batch(jobId, 1, [output("a")]);
      await log.put(once);
      await log.put(batch(jobId, 2, [output("b")]));

      expect(await log.put(once)).toBe(true);
      expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["a", "b"]);
    });

    test("without events is a mistake of its writer", async () => {
      await expect(log.put(batch(ulid(), 1, []))).rejects.toThrow(RangeError);
    });

    test("that ten put at the same place is stored for one", async () => {
      const jobId = ulid();

      const answers = await Promise.all(upTo(10).map((number) => log.put(batch(jobId, 1, [output(`${number}`)]))));

      expect(answers.filter((isStored) => isStored)).toHaveLength(1);
      const winner = `${answers.indexOf(true) + 1}`;
      expect(texts(await log.read(jobId, 0, unlimited))).toEqual([winner]);
    });

    test("comes back to the letter: any language, escape codes, line breaks", async () => {
      const jobId = ulid();
      const events = placed(1, [output('한국어 👩‍👩‍👧 \u001b[1;31m\r\n\t"\\ \u2028 \0'), finished()]);

      await log.put({ jobId, batchId: "one", events });

      expect(await log.read(jobId, 0, unlimited)).toEqual(events);
    });
  });

  describe("reading", () => {
    test("begins after any seq: before, inside and at the end of a batch, and beyond the log", async () => {
      const jobId = ulid();
      await storeBatches(jobId, [2, 3, 1]);

      const read = await Promise.all(
        [0, 1, 2, 3, 4, 5, 6, 7, 999_999_999].map((after) => log.read(jobId, after, unlimited)),
      );

      expect(read.map(seqs)).toEqual([
        [1, 2, 3, 4, 5, 6],
        [2, 3, 4, 5, 6],
        [3, 4, 5, 6],
        [4, 5, 6],
        [5, 6],
        [6],
        [],
        [],
        [],
      ]);
    });

    test("gives the events of its own job only", async () => {
      const [one, other] = [ulid(), ulid()];
      await log.put(batch(one, 1, [output("one")]));
      await log.put(batch(other, 1, [output("other")]));

      expect(texts(await log.read(one, 0, unlimited))).toEqual(["one"]);
      expect(await log.read(ulid(), 0, unlimited)).toEqual([]);
    });

    test("gives no more events than asked for", async () => {
      const jobId = ulid();
      await storeBatches(jobId, [2, 3, 1]);

      expect(seqs(await log.read(jobId, 1, { ...unlimited, events: 3 }))).toEqual([2, 3, 4]);
    });

    test("ends a page that is full by bytes, and gives at least one event however large it is", async () => {
      const jobId = ulid();
      for (const seq of upTo(6)) await log.put(batch(jobId, seq, [output("가".repeat(10_000))]));

      const page = await log.read(jobId, 0, { events: 1_000, bytes: 65_000 });

      expect(seqs(page)).toEqual([1, 2]);
      expect(seqs(await log.read(jobId, 5, { events: 1_000, bytes: 1 }))).toEqual([6]);
    });

    test("pages through to exactly the same events, whatever the batches and the limits", async () => {
      const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 24 });
      const limits = fc.record({ events: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 2_000 }) });
      await fc.assert(
        fc.asyncProperty(sizes, limits, async (batchSizes, pageLimits) => {
          const jobId = ulid();
          const count = await storeBatches(jobId, batchSizes);

          const events: JobEvent[] = [];
          for (let page = await log.read(jobId, 0, pageLimits); page.length > 0; ) {
            expect(page.length).toBeLessThanOrEqual(pageLimits.events);
            events.push(...page);
            page = await log.read(jobId, events.length, pageLimits);
          }

          expect(seqs(events)).toEqual(upTo(count));
          expect(texts(events)).toEqual(upTo(count).map(String));
        }),
        { numRuns: runs },
      );
    });
  });
}
