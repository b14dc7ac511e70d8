import type { JobHint, JobQueue } from "../../core/ports.ts";

export interface InMemoryJobQueue extends JobQueue {
  /** Every hint that was ever sent, in order. */
  readonly sent: readonly JobHint[];
  /** Makes the next `send` reject. */
  failOnce(error: Error): void;
}

/** Hints in an array. One that was received and not deleted never comes back. */
export function inMemoryJobQueue(): InMemoryJobQueue {
  const sent: JobHint[] = [];
  const visible: JobHint[] = [];
  let arrival = Promise.withResolvers<void>();
  let failure: Error | undefined;

  return {
    sent,
    failOnce(error) {
      failure = error;
    },

    async send(hint) {
      const error = failure;
      failure = undefined;
      if (error) throw error;
      sent.push(hint);
      visible.push(hint);
      arrival.resolve();
      arrival = Promise.withResolvers();
    },

    async receive(signal) {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => aborted.resolve(), { once: true });
      while (!signal.aborted) {
        const hint = visible.shift();
        if (hint) return { hint, delete: async () => {} };
        await Promise.race([arrival.promise, aborted.promise]);
      }
      return undefined;
    },
  };
}
