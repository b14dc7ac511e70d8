import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { startSqs } from "../../../local/sqs/sqs-server.ts";
import { connect, createQueue, receive, send, startPoll } from "./jobs-queue.ts";

test("A released message is received again at once, with its count, also after a restart from its directory", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "sqs-"));
  const options = { port: 0, directory: temporary.path };
  const counts: (string | undefined)[] = [];
  for (const start of ["first", "second"]) {
    await using server = await startSqs(options);
    const sqs = connect(server.endpoint);
    const queueUrl = await createQueue(sqs);
    if (start === "first") await send(sqs, queueUrl, "job-1");
    for (let receives = 0; receives < 2; receives += 1) {
      const message = await receive(sqs, queueUrl);
      counts.push(message?.Attributes?.ApproximateReceiveCount);
      const release = { QueueUrl: queueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 };
      await sqs.send(new ChangeMessageVisibilityCommand(release));
    }
  }
  expect(counts).toEqual(["1", "2", "3", "4"]);
});

test("A released message wakes a waiting poll", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);
  await send(sqs, queueUrl, "job-1");
  const { ReceiptHandle } = (await receive(sqs, queueUrl)) ?? {};
  const poll = await startPoll(sqs, queueUrl);

  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 }));

  expect(await poll.body).toBe("job-1");
});
