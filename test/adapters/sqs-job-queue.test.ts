import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import { jobQueueContract } from "../contracts/job-queue.contract.ts";
import { testSqs } from "../helpers/queue.ts";

const { client, makeQueue } = await testSqs();
const patient = () => new AbortController().signal;

jobQueueContract(async () => sqsJobQueue(client, await makeQueue()));

test("A message says which job and attempt, and in which version", async () => {
  const QueueUrl = await makeQueue();
  const jobId = ulid();
  await sqsJobQueue(client, QueueUrl).send({ jobId, attempt: 2 });

  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));

  expect(Messages?.map(({ Body }) => JSON.parse(Body ?? ""))).toEqual([{ version: 1, jobId, attempt: 2 }]);
});

describe("a message that is none of ours", () => {
  test.each([
    ["no JSON", "hello"],
    ["another kind of JSON", "[]"],
    ["of another version", JSON.stringify({ version: 2, jobId: "x", attempt: 1 })],
    ["without an attempt", JSON.stringify({ version: 1, jobId: "x" })],
    ["with half an attempt", JSON.stringify({ version: 1, jobId: "x", attempt: 1.5 })],
  ])("is received without a hint, and can be deleted: %s", async (_what, MessageBody) => {
    const QueueUrl = await makeQueue();
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const received = await sqsJobQueue(client, QueueUrl).receive(patient());

    await received?.delete();

    expect(received).toBeDefined();
    expect(received?.hint).toBeUndefined();
    const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
    );
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesNotVisible: "0" });
  });
});

test("A queue that does not exist is an error, not an end of the wait", async () => {
  const queue = sqsJobQueue(client, `${await makeQueue()}-not`);

  await expect(queue.send({ jobId: ulid(), attempt: 1 })).rejects.toThrow();
  await expect(queue.receive(patient())).rejects.toThrow();
});
