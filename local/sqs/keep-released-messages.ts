import type { SqsQueue } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";

// Not 0, yet too short for a clock in milliseconds.
const atOnceSeconds = Number.MIN_VALUE;

/**
 * For a visibility timeout of 0 fauxqs takes the message out of flight and then fails to store it, because it writes
 * null into a column that must not be: answer 500, message gone. A timeout that ends at once takes the working path.
 */
export function keepReleasedMessages(queue: SqsQueue): void {
  const changeVisibility = queue.changeVisibility.bind(queue);
  queue.changeVisibility = (receiptHandle, timeoutSeconds) => {
    changeVisibility(receiptHandle, timeoutSeconds === 0 ? atOnceSeconds : timeoutSeconds);
    queue.processTimers();
  };
}
