import { matchesGlob } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { NoCapacity } from "../../core/errors.ts";
import { Job } from "../../core/job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../core/lifecycle/finish-job.ts";
import { cancelJob } from "../../functions/api/cancel-job.ts";
import { createJob } from "../../functions/api/create-job.ts";
import { getJob } from "../../functions/api/get-job.ts";
import { listJobs } from "../../functions/api/list-jobs.ts";
import { retryJob } from "../../functions/api/retry-job.ts";
import { reconcile } from "../../functions/background/reconcile.ts";
import type { Answer } from "../../functions/http.ts";
import type { RouteName } from "../../openapi/routes.ts";
import { type ApiCall, lambdaOf } from "../helpers/api.ts";
import { jobRequest } from "../helpers/jobs.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { type Statement, SynthesizedTemplate } from "../helpers/synthesized-template.ts";
import { testTable } from "../helpers/table.ts";

const template = new SynthesizedTemplate();
const table = await testTable();
const life = new Lifecycle(table, 2);
const submitPorts = {
  ...life,
  repositories: { gitBaseUrl: "https://github.com/", allowed: ["https://github.com/"] },
  maximumQueuedJobs: 10,
};

/** A call of DynamoDB, as IAM sees it. */
interface Call {
  readonly action: string;
  readonly index: string | undefined;
  readonly partitions: readonly string[];
}

const calls: Call[] = [];

const Key = z.looseObject({ pk: z.string() });
const Input = z.object({
  IndexName: z.string().optional(),
  Key: Key.optional(),
  Item: Key.optional(),
  RequestItems: z.record(z.string(), z.object({ Keys: z.array(Key) })).optional(),
  ExpressionAttributeValues: z.looseObject({}).optional(),
});

table.client.middlewareStack.add(
  (next, context) => async (parameters) => {
    const { IndexName, Key: key, Item, RequestItems, ExpressionAttributeValues } = Input.parse(parameters.input);
    const { ":pk": pk, ":partition": partition, ":tenantId": tenant } = ExpressionAttributeValues ?? {};
    const ofQuery = [pk, partition, tenant].filter((value) => value !== undefined);
    const ofBatch = Object.values(RequestItems ?? {}).flatMap(({ Keys }) => Keys);
    const keys = [key, Item, ...ofBatch].flatMap((one) => one?.pk ?? []);
    calls.push({
      action: `dynamodb:${context.commandName?.replace(/Command$/, "")}`,
      index: IndexName,
      partitions: keys.length > 0 ? keys : ofQuery.map(String),
    });
    return next(parameters);
  },
  { step: "initialize" },
);

/** What these permissions would have refused of what was called while `work` ran. */
async function refusedOf(role: string, work: () => Promise<unknown>): Promise<{ refused: Call[]; made: number }> {
  calls.length = 0;
  await work();
  const made = calls.splice(0);
  const statements = template.statementsOf(role);
  return {
    refused: made.filter((call) => !statements.some((statement) => allows(statement, call))),
    made: made.length,
  };
}

function allows({ Action, Resource, Condition }: Statement, { action, index, partitions }: Call): boolean {
  const bounds = Condition["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"];
  const resource = JSON.stringify(Resource);
  return (
    Action.includes(action) &&
    (index === undefined ? !resource.includes("/index/") : resource.includes(`/index/${index}"`)) &&
    (bounds === undefined ||
      partitions.every((key) => [bounds].flat().some((bound) => matchesGlob(key, String(bound)))))
  );
}

function calling<Name extends RouteName>(name: Name, answer: Answer<Name>) {
  const call = lambdaOf(name, answer);
  return (request: ApiCall) => refusedOf(`Api${name}Role`, () => call(request));
}

const withKey = () => ({ headers: { "Idempotency-Key": crypto.randomUUID() } });
const somethingAndNothingRefused = { refused: [], made: expect.toSatisfy((count: number) => count > 0) };

describe("the permissions suffice", () => {
  const submit = lambdaOf("createJob", createJob(submitPorts));
  const submitted = async () => Job.parse((await submit({ body: jobRequest() })).body).jobId;

  test("to submit a job, to submit it again, and to have one wait", async () => {
    const post = calling("createJob", createJob(submitPorts));
    const request = { body: jobRequest(), ...withKey() };

    expect(await post(request)).toEqual(somethingAndNothingRefused);
    expect(await post(request)).toEqual(somethingAndNothingRefused);
    expect(await post({ body: jobRequest() })).toEqual(somethingAndNothingRefused);
    expect(await post({ body: jobRequest() })).toEqual(somethingAndNothingRefused);
    expect(await post({ body: jobRequest() })).toEqual(somethingAndNothingRefused);
  });

  test("to submit a job that cannot be launched, which ends it", async () => {
    const refusing = new Lifecycle(table, 1_000);
    refusing.launcher.refuse("no such family");
    const post = calling("createJob", createJob({ ...submitPorts, ...refusing }));

    expect(await post({ body: jobRequest() })).toEqual(somethingAndNothingRefused);
  });

  test("to read one job, and a tenant's jobs", async () => {
    const jobId = await submitted();

    expect(await calling("getJob", getJob(life))({ params: { jobId } })).toEqual(somethingAndNothingRefused);
    expect(await calling("listJobs", listJobs(life))({})).toEqual(somethingAndNothingRefused);
  });

  test("to cancel a job before it runs, and to retry it", async () => {
    const jobId = await submitted();
    const params = { jobId };

    expect(await calling("cancelJob", cancelJob(life))({ params, ...withKey() })).toEqual(somethingAndNothingRefused);
    const retry = calling("retryJob", retryJob(submitPorts));
    expect(await retry({ params, ...withKey() })).toEqual(somethingAndNothingRefused);
  });

  test("to claim a job, tell of it and end it", async () => {
    const free = new Lifecycle(table, 1_000);
    const starting = await free.starting({ tenantId: "tenant-of-runner" });
    const runner = async () => {
      await free.jobs.getSpec(starting.jobId);
      const claimed = await claimJob(free, starting, { owner: free.launcher.taskOf(starting), maxMinutes: 60 });
      if (claimed) await finishJob(free, claimed, { status: "succeeded", reason: null });
    };

    expect(await refusedOf("RunnersTaskRole", runner)).toEqual(somethingAndNothingRefused);
    expect(await free.row(starting.jobId)).toMatchObject({ status: "succeeded" });
  });

  test("to reconcile: jobs that are ended, lost, due or waiting", async () => {
    const tenant = { tenantId: "tenant-of-lost" };
    const others = new Lifecycle(table, 2);
    const lost = await others.running(tenant);
    others.launcher.end(lost.owner ?? "");
    others.launcher.failOnce(new NoCapacity("no room"));
    const due = await others.starting(tenant);
    const waiting = await others.starting(tenant);
    expect([due.waiting, waiting.waiting]).toEqual(["capacity", "tenant_limit"]);

    expect(await refusedOf("BackgroundreconcileRole", () => reconcile(others, {}))).toEqual(somethingAndNothingRefused);
    expect(await others.row(lost.jobId)).toMatchObject({ attempt: 2 });
    expect(await others.row(due.jobId)).toMatchObject({ launches: 2 });
  });
});
