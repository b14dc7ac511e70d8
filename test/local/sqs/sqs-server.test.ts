import { once } from "node:events";
import { mkdtempDisposable, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { startSqs } from "../../../local/sqs/sqs-server.ts";
import { startStalledClient } from "../dynamo/stalled-client.ts";
import { connect, createQueue, receive, send, startPoll } from "./jobs-queue.ts";

test("A message is received once while it is in flight, and never again when deleted", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);
  await send(sqs, queueUrl, "job-1");

  const message = await receive(sqs, queueUrl);
  const whileInFlight = await receive(sqs, queueUrl);
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message?.ReceiptHandle }));
  const counts = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );

  expect(message?.Body).toBe("job-1");
  expect(whileInFlight).toBeUndefined();
  expect(counts.Attributes).toEqual({ ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesNotVisible: "0" });
});

test("A message that is received more often than allowed goes to the dead-letter queue", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const deadUrl = await createQueue(sqs, "dead-jobs");
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ["QueueArn"] }),
  );
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 1 });
  const queueUrl = await createQueue(sqs, "jobs", { RedrivePolicy });
  await send(sqs, queueUrl, "job-1");

  const { ReceiptHandle } = (await receive(sqs, queueUrl)) ?? {};
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 }));

  expect(await receive(sqs, queueUrl)).toBeUndefined();
  expect((await receive(sqs, deadUrl))?.Body).toBe("job-1");
});

test("What is in a directory outlives the server: ready messages, those in flight, and not the deleted ones", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "sqs-"));
  const directory = join(temporary.path, "data", "sqs");
  {
    await using server = await startSqs({ port: 0, directory });
    const sqs = connect(server.endpoint);
    const queueUrl = await createQueue(sqs);
    for (const body of ["deleted", "in flight", "ready"]) await send(sqs, queueUrl, body);
    const { ReceiptHandle } = (await receive(sqs, queueUrl)) ?? {};
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    await receive(sqs, queueUrl);
  }
  await using server = await startSqs({ port: 0, directory });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);

  expect((await receive(sqs, queueUrl))?.Body).toBe("ready");
  expect(await receive(sqs, queueUrl)).toBeUndefined();
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test("An unknown queue and an unknown operation are refused as AWS refuses them", async () => {
  await using server = await startSqs({ port: 0 });
  const unknownQueue = connect(server.endpoint).send(new GetQueueUrlCommand({ QueueName: "none" }));
  const unknownOperation = fetch(server.endpoint, {
    method: "POST",
    headers: { "x-amz-target": "AmazonSQS.StartMessageMoveTask" },
    body: "{}",
  });

  await expect(unknownQueue).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  expect((await unknownOperation).status).toBe(400);
});

test("A body that is not JSON is answered, and the server serves on", async () => {
  await using server = await startSqs({ port: 0 });

  const answer = await fetch(server.endpoint, { method: "POST", body: "{" });

  expect(answer.status).toBe(500);
  expect(await createQueue(connect(server.endpoint))).toBeDefined();
});

test("A poll that waits when the server closes returns empty", async () => {
  const server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const poll = await startPoll(sqs, await createQueue(sqs));

  await server[Symbol.asyncDispose]();

  expect(await poll.body).toBeUndefined();
});

test("Closing waits for no client that never ends its request", async () => {
  const server = await startSqs({ port: 0 });
  await startStalledClient(server.endpoint);

  await server[Symbol.asyncDispose]();

  await using next = await startSqs({ port: Number(new URL(server.endpoint).port) });
  expect(next.endpoint).toBe(server.endpoint);
});

test("A start that fails because its port is taken says so", async () => {
  await using taken = await startSqs({ port: 0 });

  await expect(startSqs({ port: Number(new URL(taken.endpoint).port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("The server listens at 127.0.0.1 and at no other address of the machine", async () => {
  await using server = await startSqs({ port: 0 });
  const { hostname, port } = new URL(server.endpoint);

  const otherAddress = createConnection({ host: "127.0.0.2", port: Number(port) });

  expect(hostname).toBe("127.0.0.1");
  await expect(once(otherAddress, "connect")).rejects.toMatchObject({ syscall: "connect" });
});
