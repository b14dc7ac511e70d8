import { expect, test } from "vitest";
import { startSqs } from "../../../local/sqs/sqs-server.ts";
import { connect, createQueue, receive, send, startPoll } from "./jobs-queue.ts";

test("A message sent after a poll has died is there for the next receiver", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);
  await killedPoll(sqs, queueUrl);

  await send(sqs, queueUrl, "job-1");

  expect((await receive(sqs, queueUrl))?.Body).toBe("job-1");
});

test("A message sent after a poll has died goes to the poll that waits behind it", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);
  await killedPoll(sqs, queueUrl);
  const living = await startPoll(sqs, queueUrl);

  await send(sqs, queueUrl, "job-1");

  expect(await living.body).toBe("job-1");
});

async function killedPoll(...[sqs, queueUrl]: Parameters<typeof receive>): Promise<void> {
  const client = new AbortController();
  const poll = await startPoll(sqs, queueUrl, client.signal);
  client.abort();
  await expect(poll.body).rejects.toThrow("aborted");
  await poll.closed;
}
