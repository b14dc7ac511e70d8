import { PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Context } from "aws-lambda";
import { ulid } from "ulid";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { jobKey, liveIndex, liveKey, liveShardOf } from "../../adapters/dynamo-table.ts";
import { measuredJobStore } from "../../adapters/measured-job-store.ts";
import { type MetricName, metrics } from "../../adapters/metric-names.ts";
import { embeddedMetrics } from "../../adapters/metrics.ts";
import { Job } from "../../core/job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { orphanSeconds } from "../../core/limits.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { tableName } from "../../local/provision.ts";
import { handlerFile } from "../../openapi/handler-file.ts";
import { type ApiCall, callerOf, tenantId } from "../helpers/api.ts";
import { capturedLog } from "../helpers/captured-log.ts";
import { upTo } from "../helpers/events.ts";
import { jobRequest } from "../helpers/jobs.ts";
import { metricsOf, type StoredValue } from "../helpers/metric-lines.ts";
import { testSqs } from "../helpers/queue.ts";
import { testTable } from "../helpers/table.ts";
import { forever, testEcs } from "../local/ecs/test-ecs.ts";

/** The handlers as Lambda runs them, and what CloudWatch would take out of what they write. */
const stores = await testTable();
const sqs = await testSqs();
const ecs = await testEcs({ runner: forever }, { maximumTasks: 2 });
afterAll(() => ecs[Symbol.asyncDispose]());
const namespace = "omx-web-test";
setEnvironment({
  AWS_ENDPOINT_URL_ECS: ecs.endpoint,
  TABLE_NAME: tableName,
  QUEUE_URL: await sqs.makeQueue(),
  CLUSTER: ecs.cluster,
  TASK_DEFINITION: "runner",
  METRICS_NAMESPACE: namespace,
});

let lines: string[];
const seen: StoredValue[] = [];
beforeEach((context) => {
  lines = capturedLog(context);
  return () => {
    seen.push(...metricsOf(lines));
    vi.useRealTimers();
  };
});

async function call(name: "createJob" | "cancelJob", request: ApiCall): Promise<Job> {
  const { handler } = await import(new URL(`../../${handlerFile(name)}`, import.meta.url).href);
  return Job.parse((await callerOf(name, handler)(request)).body);
}

async function reconcile(event: object = { source: "aws.events" }): Promise<void> {
  const { handler } = await import("../../functions/background/reconcile.ts");
  await handler(event, { awsRequestId: "run-1" } as Context);
}

/** Values by metric and dimensions, added up. */
function written(): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { metric, dimensions, value } of metricsOf(lines)) {
    const name = [metric, ...Object.values(dimensions)].join(" ");
    sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1_000 });
}

const cancel = ({ jobId }: Job) => call("cancelJob", { params: { jobId } });

describe("the functions count", () => {
  test("a job that is accepted, its runner, and how it ended", async () => {
    const job = await call("createJob", { body: jobRequest() });
    await cancel(job);
    await cancel(job);

    expect(written()).toEqual({ JobsAccepted: 1, RunnersLaunched: 1, "JobsEnded cancelled": 1 });
  });

  test("a submission that is repeated once", async () => {
    const request = { body: jobRequest(), headers: { "Idempotency-Key": crypto.randomUUID() } };
    const job = await call("createJob", request);
    await call("createJob", request);
    await cancel(job);

    expect(written()).toMatchObject({ JobsAccepted: 1 });
  });

  test("launches that find no room, and each minute how many jobs wait, and for how long", async () => {
    // The runners of the tests before are still there, and there is room for two.
    const job = await call("createJob", { body: jobRequest() });
    expect(written()).toEqual({ JobsAccepted: 1, LaunchesRefused: 1 });

    pass(90);
    await reconcile();
    expect(written()).toMatchObject({ JobsWaiting: 1, LaunchesRefused: 2 });
    expect(Math.abs((written().QueueAgeSeconds ?? 0) - 90)).toBeLessThan(10);
    await cancel(job);
  });

  test("how long it took until a job had its runner", async () => {
    const job = await call("createJob", { body: jobRequest() });
    pass(42);
    const measured = measuredJobStore(stores.jobs, embeddedMetrics(namespace));
    const ports = { jobs: measured, now: () => new Date() };
    const claim = { owner: "task/nobody", maxMinutes: 60 };
    for (const _ of upTo(2)) await claimJob(ports, { jobId: job.jobId, attempt: 1 }, claim);

    const { StartSeconds = 0 } = written();
    expect(StartSeconds).toBeGreaterThanOrEqual(42);
    expect(StartSeconds).toBeLessThan(60);
    await stores.jobs.update(job.jobId, { status: ["running"] }, { status: "cancelled", settled: true });
    await stores.slots.release(tenantId, job.jobId);
  });

  test("runners that were lost before they had a job", async () => {
    const stopped = { lastStatus: "STOPPED", stopCode: "TaskFailedToStart", startedBy: "warm-1-0" };
    await reconcile({ source: "aws.ecs", detail: stopped });

    expect(written()).toEqual({ RunnersLostBeforeStart: 1, JobsWaiting: 0, QueueAgeSeconds: 0 });
  });

  test("runners that work on nothing and are stopped", async () => {
    pass(orphanSeconds + 60);
    await reconcile();

    expect(written()).toEqual({ LeftOversCleared: 2, JobsWaiting: 0, QueueAgeSeconds: 0 });
  });

  test("that there is nothing to count: the run's sign of life, and no metric more", async () => {
    pass(orphanSeconds + 120);
    await reconcile();

    expect(written()).toEqual({ JobsWaiting: 0, QueueAgeSeconds: 0 });
  });

  test("a job that has lost its runner; how long it ran is not how long it has been waiting", async () => {
    const job = await call("createJob", { body: jobRequest() });
    const claim = { owner: "task/nobody", maxMinutes: 60 };
    await claimJob({ jobs: stores.jobs, now: () => new Date() }, { jobId: job.jobId, attempt: 1 }, claim);

    pass(1_800);
    await reconcile();

    expect(written()).toMatchObject({ JobsRequeued: 1, QueueAgeSeconds: 0 });
    await cancel(job);
  });

  test("slots that were held by jobs that are over", async () => {
    const job = await call("createJob", { body: jobRequest() });
    await cancel(job);
    await stores.slots.take(tenantId, job.jobId, 10);

    await reconcile();

    expect(written()).toMatchObject({ LeftOversCleared: 1, JobsWaiting: 0 });
  });

  test("what a run could not look after; the lines name the job and the run", async () => {
    const jobId = ulid();
    const live = { [liveIndex.partitionKey]: liveShardOf(tenantId), [liveIndex.sortKey]: liveKey("active", jobId) };
    const Item = { ...jobKey(jobId), ...live, schema: 1, status: "unheard of" };
    await stores.client.send(new PutCommand({ TableName: tableName, Item }));

    await expect(reconcile()).rejects.toThrow("1 jobs could not be looked after");

    expect(written()).toMatchObject({ ReconcileFailures: 1, JobsWaiting: 0 });
    const [line] = lines.filter((text) => text.includes('"ERROR"'));
    expect(JSON.parse(line ?? "")).toMatchObject({ jobId, requestId: "run-1" });
  });
});

describe("the metrics", () => {
  test("are all written, with the unit and the dimensions that their list says", () => {
    const shape = ({ metric, unit, dimensions }: StoredValue) => `${metric} ${unit} ${Object.keys(dimensions)}`;
    const said = (Object.keys(metrics) as MetricName[]).map(
      (metric) => `${metric} ${metrics[metric].unit} ${metrics[metric].dimensions}`,
    );

    expect([...new Set(seen.map(shape))].toSorted()).toEqual(said.toSorted());
  });

  test("are all of this deployment, and none by the id of anything", () => {
    expect(new Set(seen.map((value) => value.namespace))).toEqual(new Set([namespace]));
    for (const { dimensions } of seen) for (const value of Object.values(dimensions)) expect(value).not.toMatch(/\d/);
  });
});

test("Each line that a request leads to names the request, the tenant and the job", async () => {
  await cancel(await call("createJob", { body: jobRequest() }));

  const all = lines.map((line) => JSON.parse(line));
  expect(all.length).toBeGreaterThan(1);
  for (const line of all)
    expect(line).toMatchObject({ requestId: expect.any(String), tenantId, jobId: expect.any(String) });
  expect(new Set(all.map(({ requestId }) => requestId)).size).toBe(2);
});
