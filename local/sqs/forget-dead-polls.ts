import { AsyncLocalStorage } from "node:async_hooks";
import type { SqsQueue } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";

/** Within the answering of a request: aborted once its client is gone. */
export const clientGone = new AsyncLocalStorage<AbortSignal>();

/**
 * A poll whose client is gone still takes the next message in fauxqs, which then stays in flight, read by nobody, until
 * its visibility timeout ends. Here such a poll fails when it is woken, before it takes anything.
 */
export function forgetDeadPolls(queue: SqsQueue): void {
  const waitForMessages = queue.waitForMessages.bind(queue);
  queue.waitForMessages = async (waitTimeSeconds) => {
    await waitForMessages(waitTimeSeconds);
    clientGone.getStore()?.throwIfAborted();
  };
}
