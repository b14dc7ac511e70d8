import { Duration } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { hintVisibilitySeconds } from "../core/limits.ts";

/**
 * The queue of hints. A hint that keeps coming back is left by runners that are older than its job; after so many times
 * it is put aside for people to look at, and reconcile sends a new one if the job still needs it.
 */
const maximumReceives = 20;

export class HintQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, "DeadLetters", { ...common, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, "Queue", {
      ...common,
      retentionPeriod: Duration.days(4),
      visibilityTimeout: Duration.seconds(hintVisibilitySeconds),
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: maximumReceives },
    });
  }
}
