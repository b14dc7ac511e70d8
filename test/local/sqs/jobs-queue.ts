import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

export function connect(endpoint: string): SQSClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

/** Makes the queue, or finds it, and returns its URL. */
export async function createQueue(sqs: SQSClient, name = "jobs", attributes: Record<string, string> = {}) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  return QueueUrl;
}

export async function send(sqs: SQSClient, queueUrl: string | undefined, body: string) {
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
}

/** The next message, if there is one. */
export async function receive(sqs: SQSClient, queueUrl: string | undefined) {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MessageSystemAttributeNames: ["ApproximateReceiveCount"] }),
  );
  return Messages?.[0];
}

/** Begins to wait for a message; resolves once the server waits too, to what comes and to the server's side of it. */
export async function startPoll(sqs: SQSClient, queueUrl: string | undefined, abortSignal?: AbortSignal) {
  const read = Promise.withResolvers<ServerResponse>();
  const onStart = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    request.once("close", () => read.resolve(response));
  };
  subscribe("http.server.request.start", onStart);
  const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 20 });
  const received = sqs.send(command, { ...(abortSignal && { abortSignal }) });
  const response = await read.promise;
  unsubscribe("http.server.request.start", onStart);
  await setImmediate();
  const body = received.then(({ Messages }) => Messages?.[0]?.Body);
  return { body, closed: once(response, "close") };
}
