import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { expect } from "vitest";
import { AttachUnavailable, LaunchRefused, NoCapacity } from "../../core/errors.ts";
import { Job } from "../../core/job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import type { AttachGate } from "../../core/ports.ts";
import { attachJob } from "../../functions/api/attach-job.ts";
import { cancelJob } from "../../functions/api/cancel-job.ts";
import { createJob } from "../../functions/api/create-job.ts";
import { getJob } from "../../functions/api/get-job.ts";
import { listJobs } from "../../functions/api/list-jobs.ts";
import { retryJob } from "../../functions/api/retry-job.ts";
import { authorizer } from "../../functions/authorizer.ts";
import { reconcile } from "../../functions/background/reconcile.ts";
import type { FunctionName } from "../../infra-cdk/permissions.ts";
import { installAwsLambdaGlobal } from "../../local/gateway/response-streaming.ts";
import { routes } from "../../openapi/routes.ts";
import { takeJob } from "../../runner/take-job.ts";
import { type ApiCall, lambdaOf } from "../helpers/api.ts";
import { testKey } from "../helpers/api-keys.ts";
import { jobRequest } from "../helpers/jobs.ts";
import { claimedJob } from "../runner/job-under-test.ts";
import type { EmulatedAws, RolePorts } from "./role-ports.ts";

/** Does all that the role does in a deployment, over the ports that are its own; what has to be there before, over others. */
type Work = (own: RolePorts, aws: EmulatedAws) => Promise<unknown>;

const withKey = () => ({ headers: { "Idempotency-Key": crypto.randomUUID() } });
type Tenant = Pick<ApiCall, "headers"> & { readonly tenantId: string };
const newTenant = (): Tenant => ({ tenantId: `tenant-${crypto.randomUUID()}` });
const body = jobRequest();

async function submitted({ others }: EmulatedAws, tenant = newTenant()) {
  const { body: job } = await lambdaOf("createJob", createJob(others))({ body, ...tenant });
  const { jobId } = Job.parse(job);
  return { ...tenant, params: { jobId } };
}

/** Claimed by the task that was launched for it. */
async function running(aws: EmulatedAws, tenant = newTenant()) {
  const { others } = aws;
  const before = await others.launcher.listAlive();
  const job = await submitted(aws, tenant);
  const [owner = ""] = (await others.launcher.listAlive()).filter((taskId) => !before.includes(taskId));
  await claimJob(others, { jobId: job.params.jobId, attempt: 1 }, { owner, maxMinutes: 60 });
  return { ...job, owner };
}

/** Ports by which no runner can be launched. */
function launchingFails(own: RolePorts, error: Error): RolePorts {
  return { ...own, launcher: { ...own.launcher, launch: () => Promise.reject(error) } };
}

/** Remembers the request, starts a job, has one wait, refuses one, and ends one that cannot be launched. */
async function submits(own: RolePorts, post: (ports: RolePorts, request: Tenant) => Promise<unknown>) {
  const [tenant, request] = [newTenant(), withKey()];
  for (let times = 0; times < 2; times++) await post(own, { ...tenant, ...request });
  for (let times = 0; times < own.maximumConcurrentJobs + own.maximumQueuedJobs; times++) await post(own, tenant);
  await post(launchingFails(own, new LaunchRefused("no such family")), newTenant());
  await post(launchingFails(own, new NoCapacity("no room")), newTenant());
}

async function cancelled(aws: EmulatedAws, tenant: Tenant) {
  const job = await submitted(aws, tenant);
  await lambdaOf("cancelJob", cancelJob(aws.others))(job);
  return job;
}

/** The local ECS carries no session: it is asked for one, and then somebody is let in all the same. */
async function attaches(own: RolePorts, aws: EmulatedAws): Promise<unknown> {
  const { owner, ...job } = await running(aws);
  const { jobId } = job.params;
  await aws.others.jobs.update(jobId, { status: ["running"], attempt: 1 }, { tmuxSession: "omx" });
  const gate: AttachGate = {
    async open(...session) {
      await expect(own.gate.open(...session)).rejects.toThrow(AttachUnavailable);
      return { command: "plugin", sessionId: "session", streamUrl: "wss://stream", tokenValue: "token" };
    },
  };
  return lambdaOf("attachJob", attachJob({ ...own, gate }))({ ...job, body: { write: true } });
}

async function readsEvents(own: RolePorts, aws: EmulatedAws): Promise<unknown> {
  installAwsLambdaGlobal();
  const { listJobEvents } = await import("../../functions/api/list-job-events.ts");
  const query = routes.listJobEvents.query.parse({});
  const more = { query, body: undefined, headers: {}, requestId: "1" };
  return listJobEvents(own)({ ...(await submitted(aws)), ...more });
}

async function authorizes(own: RolePorts, { others }: EmulatedAws): Promise<unknown> {
  const { key, header } = testKey();
  await others.keys.create(key);
  const methodArn = "arn:aws:execute-api:us-east-1:000000000000:api/local/GET/v1/jobs";
  const event = { methodArn, headers: { Authorization: header }, requestContext: { requestId: "1" } };
  return authorizer(own)(event as unknown as APIGatewayRequestAuthorizerEvent);
}

/** Takes a job by its hint, and runs another to its end. */
async function runs(own: RolePorts, aws: EmulatedAws): Promise<void> {
  await submitted(aws);
  expect(await takeJob(own, "a runner", AbortSignal.timeout(10_000))).toBeDefined();
  const commands = { planner: "true", executor: "true", verifier: "true" };
  const stores = { ...own, jobs: { ...own.jobs, create: aws.others.jobs.create } };
  const job = await claimedJob(stores, { job: { options: { agentCommands: commands } } });
  expect(await job.run()).toMatchObject({ status: "succeeded" });
}

async function reconciles(own: RolePorts, aws: EmulatedAws): Promise<void> {
  const lost = await running(aws);
  await aws.others.launcher.stop(lost.owner, "It is lost.");
  await aws.taskStopped(lost.owner);
  const tenant = newTenant();
  for (let times = 0; times < own.maximumConcurrentJobs + 1; times++) await submitted(aws, tenant);
  await reconcile(own, {});
  expect(await own.jobs.get(lost.params.jobId)).toMatchObject({ attempt: 2, status: "starting" });
  // By then no launch has come to anything, and who has no job is an orphan.
  await reconcile({ ...own, now: () => new Date(Date.now() + 1_000_000) }, {});
}

const nothing: Work = async () => {};

/** One for each role: a function without its work does not compile. */
export const workOf: Readonly<Record<FunctionName | "runner", Work>> = {
  createJob: (own) => submits(own, (ports, request) => lambdaOf("createJob", createJob(ports))({ body, ...request })),
  async retryJob(own, aws) {
    const jobs = new Map<string, object>();
    await submits(own, async (ports, request) => {
      const { tenantId, ...more } = request;
      const job = jobs.get(tenantId) ?? (await cancelled(aws, { tenantId }));
      jobs.set(tenantId, job);
      return lambdaOf("retryJob", retryJob(ports))({ ...job, ...more });
    });
  },
  listJobs: async (own, aws) => lambdaOf("listJobs", listJobs(own))(await submitted(aws)),
  getJob: async (own, aws) => lambdaOf("getJob", getJob(own))(await submitted(aws)),
  listJobEvents: readsEvents,
  async cancelJob(own, aws) {
    const request = { ...(await submitted(aws)), ...withKey() };
    for (let times = 0; times < 2; times++) await lambdaOf("cancelJob", cancelJob(own))(request);
  },
  attachJob: attaches,
  getHealth: nothing,
  getOpenapi: nothing,
  getDocs: nothing,
  getDocsAsset: nothing,
  authorizer: authorizes,
  reconcile: reconciles,
  runner: runs,
};
