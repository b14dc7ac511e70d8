import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { jobKey, specKey } from "../../adapters/dynamo-table.ts";
import { jobSchema } from "../../core/job.ts";
import { cancelJob } from "../../functions/api/cancel-job.ts";
import { createJob } from "../../functions/api/create-job.ts";
import { getJob } from "../../functions/api/get-job.ts";
import { listJobs } from "../../functions/api/list-jobs.ts";
import { retryJob } from "../../functions/api/retry-job.ts";
import { installAwsLambdaGlobal } from "../../local/gateway/response-streaming.ts";
import { tableName } from "../../local/provision.ts";
import { Problem } from "../../openapi/problem.ts";
import { routes } from "../../openapi/routes.ts";
import { lambdaOf, tenantId } from "../helpers/api.ts";
import { jobRequest } from "../helpers/jobs.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { testTable } from "../helpers/table.ts";
import { testGateway } from "../local/gateway/test-gateway.ts";

installAwsLambdaGlobal();
const { listJobEvents } = await import("../../functions/api/list-job-events.ts");
const { streamingLambdaFor } = await import("../../functions/http.ts");

const table = await testTable();
const life = new Lifecycle(table);
const ports = {
  ...life,
  repositories: { gitBaseUrl: "https://github.com/", allowed: [] },
  maximumQueuedJobs: 10,
};
const { method, path } = routes.listJobEvents;
const handler = streamingLambdaFor("listJobEvents", () => listJobEvents(life));
const gateway = await testGateway([{ name: "listJobEvents", method, path, streams: true, handler }], {
  authorizerContext: { tenantId, scopes: "jobs:read" },
});
afterAll(() => gateway[Symbol.asyncDispose]());

const log = vi.spyOn(process.stderr, "write");
beforeEach(() => {
  log.mockReturnValue(true);
  return () => log.mockReset();
});

const setSchema = (Key: Record<string, string>, schema: number) =>
  table.client.send(
    new UpdateCommand({
      ...{ TableName: tableName, Key, UpdateExpression: "SET #schema = :schema" },
      ...{ ExpressionAttributeNames: { "#schema": "schema" }, ExpressionAttributeValues: { ":schema": schema } },
    }),
  );

const problem = {
  ...{ status: 503, code: "newer_version", title: "Written by a newer version", retryable: true },
  detail: expect.stringMatching(/^Job \w+ has schema 2; .* Try again when its deployment is complete\.$/),
};

describe.each([
  ["row", jobKey],
  ["spec", specKey],
])("a job whose %s a newer version has written", (_which, keyOf) => {
  /** A job of ours, at rest; it can be read again after the test. */
  async function newerJob(): Promise<string> {
    const { jobId } = await life.running({ tenantId });
    await setSchema(keyOf(jobId), jobSchema + 1);
    return jobId;
  }

  test.each([
    ["getJob", (jobId: string) => lambdaOf("getJob", getJob(life))({ params: { jobId } })],
    ["cancelJob", (jobId: string) => lambdaOf("cancelJob", cancelJob(life))({ params: { jobId } })],
    ["retryJob", (jobId: string) => lambdaOf("retryJob", retryJob(ports))({ params: { jobId } })],
    ["listJobs", () => lambdaOf("listJobs", listJobs(life))()],
  ])("is left as it is, and its reader told to come again: %s", async (_name, call) => {
    const jobId = await newerJob();

    const { status, headers, body } = await call(jobId);

    expect(status).toBe(503);
    expect(headers).toMatchObject({ "Content-Type": "application/problem+json", "Retry-After": "60" });
    expect(body).toMatchObject(problem);
    expect(log).not.toHaveBeenCalled();
    await setSchema(keyOf(jobId), jobSchema);
    expect(await life.row(jobId)).toMatchObject({ status: "running", cancelRequestedAt: null });
  });
});

test.each(["application/json", "text/event-stream"])(
  "So is who reads the events of such a job, as %s",
  async (Accept) => {
    const { jobId } = await life.running({ tenantId });
    await setSchema(jobKey(jobId), jobSchema + 1);

    const response = await fetch(`${gateway.url}/v1/jobs/${jobId}/events`, { headers: { Accept } });

    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("60");
    expect(Problem.parse(await response.json())).toMatchObject(problem);
  },
);

test("So is who repeats the request that made such a job, and no other is made", async () => {
  const post = lambdaOf("createJob", createJob(ports));
  const call = { body: jobRequest(), headers: { "Idempotency-Key": crypto.randomUUID() } };
  const first = await post(call);
  const { jobId } = first.body as { jobId: string };
  await setSchema(jobKey(jobId), jobSchema + 1);

  expect(await post(call)).toMatchObject({ status: 503, body: problem });

  await setSchema(jobKey(jobId), jobSchema);
  expect((await post(call)).body).toEqual(first.body);
});
