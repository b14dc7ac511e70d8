import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { beforeEach, expect, test, vi } from "vitest";
import { jobKey } from "../../adapters/dynamo-table.ts";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import { jobSchema } from "../../core/job.ts";
import { tableName } from "../../local/provision.ts";
import { takeJob } from "../../runner/take-job.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testSqs } from "../helpers/queue.ts";
import { testTable } from "../helpers/table.ts";

const table = await testTable();
const sqs = await testSqs();
const never = new AbortController().signal;

const log: string[] = [];
beforeEach(() => {
  log.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((line) => log.push(String(line)) > 0);
  return () => vi.restoreAllMocks();
});

async function startingJob(): Promise<string> {
  const job = queuedJob({ status: "starting", attempt: 1 });
  await table.jobs.create(job, jobSpec());
  return job.jobId;
}

const hintOf = (jobId: string, version = 1) => JSON.stringify({ version, jobId, attempt: 1 });

/** A runner's search on a queue with this message, and after it that of a job that can be claimed. */
async function takeAfter(MessageBody: string) {
  const QueueUrl = await sqs.makeQueue();
  const queue = sqsJobQueue(sqs.client, QueueUrl);
  await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  const jobId = await startingJob();
  await queue.send({ jobId, attempt: 1 });
  const taken = await takeJob({ jobs: table.jobs, queue, now: () => new Date() }, "runner-1", never);
  expect(taken?.record).toMatchObject({ jobId, status: "running", owner: "runner-1" });
  const left = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  const { ApproximateNumberOfMessages = "", ApproximateNumberOfMessagesNotVisible = "" } =
    (await sqs.client.send(left)).Attributes ?? {};
  return { visible: Number(ApproximateNumberOfMessages), inFlight: Number(ApproximateNumberOfMessagesNotVisible) };
}

test.each<[what: string, message: () => Promise<string>]>([
  ["is no JSON", async () => "hello"],
  ["is half a JSON", async () => '{"version":1,"jobId":'],
  ["is of a foreign version, and of a job that could be claimed", async () => hintOf(await startingJob(), 2)],
  ["is of an unknown job", async () => hintOf(ulid())],
  ["is of what is no job's id", async () => hintOf("../../etc/passwd")],
])("A message that %s is dropped with a word to the operator, and the next job is taken.", async (_what, message) => {
  expect(await takeAfter(await message())).toEqual({ visible: 0, inFlight: 0 });
  expect(log).toHaveLength(1);
  expect(JSON.parse(log[0] ?? "")).toMatchObject({ message: expect.stringMatching(/dropped|not there to be claimed/) });
});

test("A message of a job whose row is of a newer version comes back, and the job is as it was.", async () => {
  const jobId = await startingJob();
  const setSchema = (schema: number) =>
    new UpdateCommand({
      ...{ TableName: tableName, Key: jobKey(jobId), UpdateExpression: "SET #schema = :schema" },
      ...{ ExpressionAttributeNames: { "#schema": "schema" }, ExpressionAttributeValues: { ":schema": schema } },
    });
  await table.client.send(setSchema(jobSchema + 1));
  expect(await takeAfter(hintOf(jobId))).toEqual({ visible: 0, inFlight: 1 });
  expect(JSON.parse(log[0] ?? "")).toMatchObject({ level: "ERROR", message: "the job is for a newer runner", jobId });
  await table.client.send(setSchema(jobSchema));
  expect(await table.jobs.get(jobId)).toMatchObject({ status: "starting", attempt: 1, owner: null });
});
