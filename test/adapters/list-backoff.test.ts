import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { beforeEach, expect, test, vi } from "vitest";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { fakeTime } from "../helpers/fake-time.ts";
import { queuedJob } from "../helpers/jobs.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const time = fakeTime();
const { jobId, tenantId } = queuedJob();
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

beforeEach(() => {
  // The longest pauses that there can be.
  vi.spyOn(Math, "random").mockReturnValue(1);
  return () => vi.restoreAllMocks();
});

/** A DynamoDB that finds a job in its index and never answers for its rows. */
function overloadedTable() {
  let asked = 0;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: "us-east-1", credentials }));
  client.middlewareStack.add(
    (_next, context) => async (parameters) => {
      if (context.commandName === "QueryCommand") return answer({ Items: [{ jobId: { S: jobId } }] });
      asked++;
      return answer({ UnprocessedKeys: (parameters.input as { RequestItems: object }).RequestItems });
    },
    { step: "initialize", priority: "low" },
  );
  return { jobs: dynamoJobStore(client, "table"), asked: () => asked };
}

function answer(output: object) {
  return { output: { $metadata: {}, ...output }, response: undefined };
}

test("Rows that DynamoDB leaves out are asked for after pauses that grow, and after a while no more", async () => {
  const { jobs, asked } = overloadedTable();
  const list = jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 1 });
  const failed = expect(list).rejects.toThrow("DynamoDB left 2 of 2 rows unanswered.");

  const askedAfter: number[] = [];
  for (const milliseconds of [0, 49, 1, 99, 1, 200, 400, 800, 1_600]) {
    await time.pass(milliseconds);
    askedAfter.push(asked());
  }

  expect(askedAfter).toEqual([1, 1, 2, 2, 3, 4, 5, 6, 7]);
  await time.pass(60_000);
  await failed;
  expect(asked()).toBe(7);
});
