import type { JobEvent } from "../../core/job-events.ts";
import type { EventBatch } from "../../core/ports.ts";
import { Violation } from "./violation.ts";

export type StoredBatch = EventBatch;

/** Whether the batch is a new one; else it has been stored before. Throws for one that may not be where it was put. */
export function assertMayAppend(log: readonly StoredBatch[], batch: EventBatch): boolean {
  const first = batch.events[0];
  if (first === undefined) throw new Violation("a batch holds events", batch.jobId);
  const stored = log.find(({ events }) => events[0]?.seq === first.seq);
  if (stored?.batchId === batch.batchId) return false;
  const events = log.flatMap((earlier) => earlier.events);
  const last = events.at(-1);
  if (stored !== undefined) throw new Violation("an event is never overwritten", `${batch.jobId}: seq ${first.seq}`);
  if (log.some(({ batchId }) => batchId === batch.batchId)) {
    throw new Violation("a batch is stored once", `${batch.jobId}: ${batch.batchId}`);
  }
  if (first.seq !== (last?.seq ?? 0) + 1)
    throw new Violation("seq is dense", `${batch.jobId}: ${last?.seq}, ${first.seq}`);
  assertOrder([...(last ? [last] : []), ...batch.events], batch.jobId);
  return true;
}

interface Rule {
  readonly invariant: string;
  isBroken(before: JobEvent, event: JobEvent, after: JobEvent | undefined): boolean;
}

const opensAttempt = (before: JobEvent, event: JobEvent) => event.attempt > before.attempt && event.attempt > 1;

const rules: readonly Rule[] = [
  { invariant: "seq is dense", isBroken: (before, event) => event.seq !== before.seq + 1 },
  { invariant: "nothing follows the end", isBroken: (before) => before.type === "job_finished" },
  { invariant: "a lost runner writes no more events", isBroken: (before, event) => event.attempt < before.attempt },
  {
    invariant: "a new attempt begins with runner_lost",
    isBroken: (before, event) => opensAttempt(before, event) && event.type !== "runner_lost",
  },
  {
    invariant: "a runner is lost once",
    isBroken: (before, event, after) =>
      event.type === "runner_lost" && !opensAttempt(before, event) && after?.type !== "job_finished",
  },
];

/** What may follow what: `events` is the whole log, or its last event with what is added to it. */
export function assertOrder(events: readonly JobEvent[], jobId: string): void {
  for (const [index, before] of events.entries()) {
    const event = events[index + 1];
    if (event === undefined) return;
    const broken = rules.find((rule) => rule.isBroken(before, event, events[index + 2]));
    if (broken === undefined) continue;
    const place = [before, event].map(({ seq, type, attempt }) => `${seq} ${type} (${attempt})`).join(", ");
    throw new Violation(broken.invariant, `${jobId}: ${place}`);
  }
}
