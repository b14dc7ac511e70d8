import type { EventBatch, EventLog } from "../../core/ports.ts";

/** Batches by the seq of their first event. */
export function inMemoryEventLog(): EventLog {
  const logs = new Map<string, Map<number, EventBatch>>();
  const batchesOf = (jobId: string) => logs.get(jobId) ?? new Map<number, EventBatch>();
  const eventsOf = (jobId: string) => [...batchesOf(jobId).values()].flatMap((batch) => batch.events);

  return {
    async tail(jobId) {
      const last = eventsOf(jobId).at(-1);
      if (last === undefined) return { seq: 0, attempt: 0, closed: false };
      return { seq: last.seq, attempt: last.attempt, closed: last.type === "job_finished" };
    },

    async put(batch) {
      const first = batch.events[0];
      if (first === undefined) throw new RangeError("An event batch must hold an event.");
      const batches = batchesOf(batch.jobId);
      const stored = batches.get(first.seq) ?? structuredClone(batch);
      logs.set(batch.jobId, batches.set(first.seq, stored));
      return stored.batchId === batch.batchId;
    },

    async read(jobId, after, limits) {
      const events = eventsOf(jobId).filter((event) => event.seq > after);
      let bytes = 0;
      const end = events.findIndex((event) => {
        bytes += Buffer.byteLength(JSON.stringify(event));
        return bytes > limits.bytes;
      });
      const fitting = end === -1 ? events : events.slice(0, Math.max(1, end));
      return structuredClone(fitting.slice(0, limits.events));
    },
  };
}
