import { describe, expect, test, vi } from "vitest";
import { eventStreamCommentSeconds, eventStreamSeconds } from "../../core/limits.ts";
import { eventStream } from "../../functions/event-stream.ts";
import { inMemoryEventLog } from "../fakes/in-memory-event-log.ts";
import { finished, output, placed } from "../helpers/events.ts";
import { fakeTime } from "../helpers/fake-time.ts";
import { parseEvents } from "../helpers/server-sent-events.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const time = fakeTime();

/** Reads a stream of a log with one event, as time passes. */
function readStream() {
  const log = inMemoryEventLog();
  let text = "";
  let isOpen = true;
  const ended = (async () => {
    await log.put({ jobId: "job", batchId: "1", events: placed(1, [output("a")]) });
    for await (const part of eventStream(log, "job", 0, () => true)) text += part;
    isOpen = false;
  })();
  const comments = () => text.split("\n").filter((line) => line.startsWith(":"));
  return { log, ended, isOpen: () => isOpen, comments, ids: () => parseEvents(text).map(({ id }) => id) };
}

describe("a stream of a job in which nothing happens", () => {
  test("says so now and then, that nobody on the way takes it for dead", async () => {
    const stream = readStream();
    await time.pass(eventStreamCommentSeconds * 1_000 - 1_000);
    expect(stream.comments()).toEqual([]);

    await time.pass(3_000);

    expect(stream.comments()).toEqual([": nothing new"]);
    await time.pass(eventStreamSeconds * 1_000);
    await stream.ended;
  });

  test("ends after a while, and not with the end of the job", async () => {
    const stream = readStream();
    await time.pass(eventStreamSeconds * 1_000 - 1_000);
    expect(stream.isOpen()).toBe(true);

    await time.pass(3_000);

    expect(stream.isOpen()).toBe(false);
    expect(stream.ids()).toEqual([1]);
  });

  test("looks again within a second when something does", async () => {
    const stream = readStream();
    await time.pass(60_000);
    await stream.log.put({ jobId: "job", batchId: "2", events: placed(2, [output("b"), finished()]) });

    await time.pass(1_100);

    expect(stream.isOpen()).toBe(false);
    expect(stream.ids()).toEqual([1, 2, 3]);
  });
});
