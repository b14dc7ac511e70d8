import type { SqsQueue } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";

/**
 * Fauxqs wakes every waiting poll for each message, and all but one return empty at once: N workers poll in a busy loop.
 * Here one is woken, and not by a poll that is about to take the message itself. The others wait on; every 20 ms fauxqs
 * looks whether messages are left for them.
 */
export function wakeOnePoll(queue: SqsQueue): void {
  let taking = false;

  const notifyWaiters = () => {
    if (taking) return;
    const waiter = queue.pollWaiters.shift();
    clearTimeout(waiter?.timer);
    waiter?.resolve();
  };
  // Private in fauxqs's types.
  Object.assign(queue, { notifyWaiters });

  const dequeue = queue.dequeue.bind(queue);
  queue.dequeue = (...parameters) => {
    taking = true;
    try {
      return dequeue(...parameters);
    } finally {
      taking = false;
    }
  };
}
