import { expect, test } from "vitest";
import { startSqs } from "../../../local/sqs/sqs-server.ts";
import { connect, createQueue, send, startPoll } from "./jobs-queue.ts";

test("A message wakes one waiting poll, and the others wait on for theirs", async () => {
  await using server = await startSqs({ port: 0 });
  const sqs = connect(server.endpoint);
  const queueUrl = await createQueue(sqs);
  const first = await startPoll(sqs, queueUrl);
  const second = await startPoll(sqs, queueUrl);

  await send(sqs, queueUrl, "job-1");
  await send(sqs, queueUrl, "job-2");

  expect(await first.body).toBe("job-1");
  expect(await second.body).toBe("job-2");
});
