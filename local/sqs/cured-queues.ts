import { SqsStore } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";
import { forgetDeadPolls } from "./forget-dead-polls.ts";
import { keepReleasedMessages } from "./keep-released-messages.ts";
import { wakeOnePoll } from "./wake-one-poll.ts";

/** Fauxqs's queues, each made, or loaded from disk, with its cures. */
export class CuredQueues extends SqsStore {
  readonly #address: string;

  /** `address` is where this server listens, `HOST:PORT`. */
  constructor(address: string) {
    super();
    this.#address = address;
    // With a host of its own fauxqs builds URLs like http://sqs.us-east-1.localhost, which most resolvers do not know.
    this.host = "";
  }

  /** The URL names this server, not the one that first made a queue loaded from disk: the port may have changed. */
  override createQueue(...[name, , arn, attributes, tags]: Parameters<SqsStore["createQueue"]>) {
    const queue = super.createQueue(name, this.buildQueueUrl(name, "", this.#address, ""), arn, attributes, tags);
    keepReleasedMessages(queue);
    forgetDeadPolls(queue);
    wakeOnePoll(queue);
    return queue;
  }
}
