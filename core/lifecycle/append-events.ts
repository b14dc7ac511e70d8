import { Superseded } from "../errors.ts";
import type { JobEvent, NewJobEvent } from "../job-events.ts";
import type { EventLog, EventTail } from "../ports.ts";

/** Who writes: an attempt of a job. The tail is what the writer last knew, so that the usual append is one write. */
export interface EventWriter {
  readonly jobId: string;
  readonly attempt: number;
  tail: EventTail | undefined;
}

/**
 * Appends events at the end of the job's log, in order and without a gap.
 *
 * Every batch starts right after a seq that was stored, so a first seq that is free is the true end of the log. A writer
 * that lost the race reads the tail again, and there it also learns that it has been superseded: by a later attempt, or
 * by the end of the job. So the log fences itself, without a second item in the write. Who tries again after an error
 * passes the same `batchId`: a batch that was stored although the answer was lost is then not stored twice.
 */
export async function appendEvents(
  log: EventLog,
  writer: EventWriter,
  events: readonly NewJobEvent[],
  batchId: string = crypto.randomUUID(),
): Promise<void> {
  if (events.length === 0) return;
  for (;;) {
    writer.tail ??= await log.tail(writer.jobId);
    assertMayWrite(writer, writer.tail);
    const numbered = number(events, writer.tail.seq, writer.attempt);
    if (await log.put({ jobId: writer.jobId, batchId, events: numbered })) {
      const closed = events.some((event) => event.type === "job_finished");
      writer.tail = { seq: writer.tail.seq + events.length, attempt: writer.attempt, closed };
      return;
    }
    writer.tail = undefined;
  }
}

function assertMayWrite(writer: EventWriter, tail: EventTail): void {
  if (tail.closed) throw new Superseded(`Job ${writer.jobId} has ended; nothing may be added to its events.`);
  if (tail.attempt > writer.attempt) {
    throw new Superseded(`Attempt ${tail.attempt} of job ${writer.jobId} has replaced attempt ${writer.attempt}.`);
  }
}

function number(events: readonly NewJobEvent[], lastSeq: number, attempt: number): JobEvent[] {
  return events.map((event, index) => ({ seq: lastSeq + 1 + index, ...event, attempt }) as JobEvent);
}
