import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll } from "vitest";
import { setEnvironment } from "../../local/process-environments.ts";
import { startSqs } from "../../local/sqs/sqs-server.ts";

export interface TestSqs {
  readonly client: SQSClient;
  /** Makes an empty queue; answers its URL. */
  makeQueue(): Promise<string>;
}

/** An SQS of its own, until the tests of the calling file are over. */
export async function testSqs(): Promise<TestSqs> {
  const sqs = await startSqs({ port: 0 });
  setEnvironment({ AWS_ENDPOINT_URL_SQS: sqs.endpoint });
  const client = new SQSClient({});
  afterAll(async () => {
    client.destroy();
    await sqs[Symbol.asyncDispose]();
  });
  return {
    client,
    async makeQueue() {
      const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: crypto.randomUUID() }));
      if (QueueUrl === undefined) throw new Error("The queue has no URL.");
      return QueueUrl;
    },
  };
}
