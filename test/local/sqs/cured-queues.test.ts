import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { startSqs } from "../../../local/sqs/sqs-server.ts";
import { connect, createQueue, receive, send } from "./jobs-queue.ts";

test("A queue's URL leads to the server that gives it, also after a restart at another port", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "sqs-"));
  const directory = temporary.path;
  {
    await using server = await startSqs({ port: 0, directory });
    const sqs = connect(server.endpoint);
    const queueUrl = await createQueue(sqs);
    expect(queueUrl).toBe(`${server.endpoint}/000000000000/jobs`);
    await send(sqs, queueUrl, "job-1");
  }
  await using server = await startSqs({ port: 0, directory });
  const sqs = connect(server.endpoint);

  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: "jobs" }));

  expect(QueueUrl).toBe(`${server.endpoint}/000000000000/jobs`);
  expect((await receive(sqs, QueueUrl))?.Body).toBe("job-1");
});
