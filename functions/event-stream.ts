import { setTimeout as delay } from "node:timers/promises";
import type { JobEvent } from "../core/job-events.ts";
import {
  defaultEventPage,
  eventStreamCommentSeconds,
  eventStreamSeconds,
  maximumEventPageBytes,
} from "../core/limits.ts";
import type { EventLog } from "../core/ports.ts";

const limits = { events: defaultEventPage, bytes: maximumEventPageBytes };
const shortestPauseMilliseconds = 100;
const longestPauseMilliseconds = 1_000;
/** How long a client waits before it connects again after a segment's end. */
const reconnectMilliseconds = 250;

/**
 * A job's events as server-sent events. Ends after the job's last event, or after a while for the client to resume: on
 * AWS a function is not told that its client has left, and would run on for nothing.
 */
export async function* eventStream(
  log: EventLog,
  jobId: string,
  after: number,
  isWanted: (event: JobEvent) => boolean,
): AsyncIterable<string> {
  const startedAt = performance.now();
  const elapsedSeconds = () => (performance.now() - startedAt) / 1_000;
  yield `retry: ${reconnectMilliseconds}\n\n`;
  let quietSince = elapsedSeconds();
  let pause = shortestPauseMilliseconds;
  for (let next = after; elapsedSeconds() < eventStreamSeconds; ) {
    const events = await log.read(jobId, next, limits);
    const last = events.at(-1);
    if (last) {
      yield segment(events.filter(isWanted), last.seq);
      if (last.type === "job_finished") return;
      next = last.seq;
      quietSince = elapsedSeconds();
      pause = shortestPauseMilliseconds;
    } else if (elapsedSeconds() - quietSince > eventStreamCommentSeconds) {
      yield ": nothing new\n\n";
      quietSince = elapsedSeconds();
    }
    await delay(pause);
    pause = Math.min(pause * 1.5, longestPauseMilliseconds);
  }
}

/** An id without data moves the client's position on where the filter hid the last event. */
function segment(events: readonly JobEvent[], lastSeq: number): string {
  const shown = events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return events.at(-1)?.seq === lastSeq ? shown : `${shown}id: ${lastSeq}\n\n`;
}
