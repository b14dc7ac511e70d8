import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Job } from "../../core/job.ts";
import { startApi } from "../../local/api.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { tableName } from "../../local/provision.ts";
import { handlerFile } from "../../openapi/handler-file.ts";
import { EventPage, JobList, type RouteName } from "../../openapi/routes.ts";
import { type ApiCall, callerOf, tenantId } from "../helpers/api.ts";
import { jobRequest, jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testSqs } from "../helpers/queue.ts";
import { testTable } from "../helpers/table.ts";
import { forever, testEcs } from "../local/ecs/test-ecs.ts";

/** The handlers as Lambda runs them: composed from the environment alone. */
const stores = await testTable();
const sqs = await testSqs();
const ecs = await testEcs({ runner: forever });
afterAll(() => ecs[Symbol.asyncDispose]());
setEnvironment({
  AWS_ENDPOINT_URL_ECS: ecs.endpoint,
  TABLE_NAME: tableName,
  QUEUE_URL: await sqs.makeQueue(),
  CLUSTER: ecs.cluster,
  TASK_DEFINITION: "runner",
  MAX_CONCURRENT_JOBS: "2",
  MAX_QUEUED_JOBS: "1",
});
const api = await startApi(0, () => {});
afterAll(() => api[Symbol.asyncDispose]());

type Handler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;

async function call(name: Exclude<RouteName, "listJobEvents">, request: ApiCall = {}) {
  const module: { handler: Handler } = await import(new URL(`../../${handlerFile(name)}`, import.meta.url).href);
  return callerOf(name, module.handler)(request);
}

test("A job that is submitted is stored, started by ECS, shown, listed and cancelled", async () => {
  const created = Job.parse((await call("createJob", { body: jobRequest() })).body);
  const { jobId } = created;

  expect(await stores.jobs.get(jobId)).toMatchObject({ tenantId, status: "starting", attempt: 1 });
  expect(await call("getJob", { params: { jobId } })).toMatchObject({ status: 200, body: { status: "starting" } });
  expect(JobList.parse((await call("listJobs")).body).jobs.map((job) => job.jobId)).toEqual([jobId]);
  expect(await call("cancelJob", { params: { jobId } })).toMatchObject({ status: 202, body: { status: "cancelled" } });
});

test("A job that has ended is retried as another, which is shown with the one that it repeats", async () => {
  const old = Job.parse((await call("createJob", { body: jobRequest() })).body);
  expect(await call("retryJob", { params: { jobId: old.jobId } })).toMatchObject({ status: 409 });
  await call("cancelJob", { params: { jobId: old.jobId } });

  const { jobId } = Job.parse((await call("retryJob", { params: { jobId: old.jobId } })).body);

  expect(await call("getJob", { params: { jobId } })).toMatchObject({
    body: { status: "starting", retryOf: old.jobId },
  });
  await call("cancelJob", { params: { jobId } });
});

test("A job beyond what the environment lets run waits, and one beyond what it lets wait is refused", async () => {
  const tenant = `tenant-${crypto.randomUUID()}`;
  const submit = () => call("createJob", { body: jobRequest(), tenantId: tenant });
  const accepted = [await submit(), await submit(), await submit()].map(({ body }) => Job.parse(body).jobId);

  expect((await submit()).status).toBe(429);

  const rows = await Promise.all(accepted.map((jobId) => stores.jobs.get(jobId)));
  expect(rows.map((row) => row?.status)).toEqual(["starting", "starting", "queued"]);
  for (const jobId of accepted) await call("cancelJob", { params: { jobId }, tenantId: tenant });
});

test("A repository that the environment's allow-list does not name is refused", async () => {
  const body = jobRequest({ repo: "https://git.example/a/b" });

  expect(await call("createJob", { body })).toMatchObject({ status: 400, body: { errors: [{ pointer: "#/repo" }] } });
});

describe("over HTTP", () => {
  test("the events of a job are given as a page and as a stream", async () => {
    const created = await fetch(`${api.url}/v1/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(jobRequest()),
    });
    const { jobId } = Job.parse(await created.json());
    await fetch(`${api.url}/v1/jobs/${jobId}/cancel`, { method: "POST" });

    const page = await fetch(`${api.url}/v1/jobs/${jobId}/events`);
    const stream = await fetch(`${api.url}/v1/jobs/${jobId}/events`, { headers: { Accept: "text/event-stream" } });

    expect(EventPage.parse(await page.json())).toMatchObject({ next: 2, complete: true });
    expect(await stream.text()).toContain("job_finished");
  });

  test("the documentation and all that it loads come from the API itself", async () => {
    for (const path of [
      "/docs",
      "/docs/swagger-ui.css",
      "/docs/swagger-ui-bundle.js",
      "/docs/start.js",
      "/openapi.json",
    ]) {
      const response = await fetch(`${api.url}${path}`);
      expect(response.status).toBe(200);
      expect((await response.text()).length).toBeGreaterThan(50);
    }
  });
});

describe("the reconcile function", () => {
  test("starts a job that was forgotten", async () => {
    const job = queuedJob({ tenantId });
    await stores.jobs.create(job, jobSpec());
    const { handler } = await import("../../functions/background/reconcile.ts");

    await handler({ source: "aws.events" }, { awsRequestId: "run-1" });

    expect(await stores.jobs.get(job.jobId)).toMatchObject({ status: "starting", attempt: 1 });
  });
});

test("A handler's module can be imported without an environment; its first request then says what is missing, to the log", async () => {
  setEnvironment({ TABLE_NAME: "", QUEUE_URL: "" });
  vi.resetModules();
  const log = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  delete process.env.CLUSTER;

  const answer = await call("getJob", { params: { jobId: "01KB3Q9M6Y8Z4V5N7T2R1C0D9E" } });

  expect(answer.status).toBe(500);
  expect(String(log.mock.calls[0]?.[0])).toContain("CLUSTER");
  log.mockRestore();
});
