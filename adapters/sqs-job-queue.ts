import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { hintVisibilitySeconds } from "../core/limits.ts";
import type { JobHint, JobQueue } from "../core/ports.ts";

const Message = z.object({ version: z.literal(1), jobId: z.string(), attempt: z.int() });

export function sqsJobQueue(client: SQSClient, queueUrl: string): JobQueue {
  const queue = { QueueUrl: queueUrl };
  return {
    async send({ jobId, attempt }) {
      const MessageBody = JSON.stringify({ version: 1, jobId, attempt } satisfies z.input<typeof Message>);
      await client.send(new SendMessageCommand({ ...queue, MessageBody }));
    },

    async receive(signal) {
      const receive = new ReceiveMessageCommand({
        ...queue,
        MaxNumberOfMessages: 1,
        WaitTimeSeconds: 20,
        VisibilityTimeout: hintVisibilitySeconds,
      });
      const answer = client.send(receive, { abortSignal: signal });
      const { Messages } = await answer.catch((error: unknown) => {
        if (signal.aborted) return { Messages: undefined };
        throw error;
      });
      const message = Messages?.[0];
      if (message === undefined) return undefined;
      const { ReceiptHandle } = message;
      return {
        hint: toHint(message.Body ?? ""),
        delete: async () => {
          await client.send(new DeleteMessageCommand({ ...queue, ReceiptHandle }));
        },
      };
    },
  };
}

function toHint(body: string): JobHint | undefined {
  try {
    const { jobId, attempt } = Message.parse(JSON.parse(body));
    return { jobId, attempt };
  } catch {
    return undefined;
  }
}
