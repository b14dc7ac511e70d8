import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import { dynamoTenantSlots } from "../adapters/dynamo-tenant-slots.ts";
import { ecsAttachGate } from "../adapters/ecs-attach-gate.ts";
import { ecsRunnerLauncher } from "../adapters/ecs-runner-launcher.ts";
import { measuredJobStore } from "../adapters/measured-job-store.ts";
import { measuredLauncher } from "../adapters/measured-launcher.ts";
import { embeddedMetrics } from "../adapters/metrics.ts";
import { sqsJobQueue } from "../adapters/sqs-job-queue.ts";
import { once } from "./once.ts";
import { dynamo, environment } from "./table-wiring.ts";

/**
 * The composition root of the functions that work on jobs. Marked as pure, so that a bundle leaves out what its function
 * does not call, and with it the SDK clients that it does not need.
 */

export const recordMetrics = /* @__PURE__ */ once(() => embeddedMetrics(environment().METRICS_NAMESPACE));

export const jobStore = /* @__PURE__ */ once(() => {
  const { TABLE_NAME, RETENTION_DAYS } = environment();
  return dynamoJobStore(dynamo(), TABLE_NAME, RETENTION_DAYS);
});

const tenantSlots = /* @__PURE__ */ once(() => dynamoTenantSlots(dynamo(), environment().TABLE_NAME));

export const eventLog = /* @__PURE__ */ once(() => {
  const { TABLE_NAME, RETENTION_DAYS } = environment();
  return dynamoEventLog(dynamo(), TABLE_NAME, RETENTION_DAYS);
});

const jobQueue = /* @__PURE__ */ once(() => sqsJobQueue(new SQSClient({}), environment().QUEUE_URL));

const runnerLauncher = /* @__PURE__ */ once(() => {
  const { CLUSTER, TASK_DEFINITION, SUBNETS, SECURITY_GROUPS, ASSIGN_PUBLIC_IP } = environment();
  return ecsRunnerLauncher(new ECSClient({}), {
    cluster: CLUSTER,
    taskDefinition: TASK_DEFINITION,
    subnets: SUBNETS,
    securityGroups: SECURITY_GROUPS,
    assignPublicIp: ASSIGN_PUBLIC_IP,
  });
});

/** What it takes to end jobs. */
export const finishPorts = /* @__PURE__ */ once(() => ({
  jobs: measuredJobStore(jobStore(), recordMetrics()),
  events: eventLog(),
  slots: tenantSlots(),
  now: () => new Date(),
}));

/** What it takes to let people in to them. */
export const attachPorts = /* @__PURE__ */ once(() => ({
  jobs: jobStore(),
  events: eventLog(),
  gate: ecsAttachGate(new ECSClient({}), environment().CLUSTER),
  now: () => new Date(),
}));

/** What it takes to start them. */
export const startPorts = /* @__PURE__ */ once(() => ({
  ...finishPorts(),
  queue: jobQueue(),
  launcher: measuredLauncher(runnerLauncher(), recordMetrics()),
  maximumConcurrentJobs: environment().MAX_CONCURRENT_JOBS,
  warmRunners: environment().WARM_RUNNERS,
}));

/** What it takes to accept them. */
export const submitPorts = /* @__PURE__ */ once(() => {
  const { GIT_BASE_URL, REPOSITORY_ALLOW_LIST, MAX_QUEUED_JOBS } = environment();
  return {
    ...startPorts(),
    repositories: { gitBaseUrl: GIT_BASE_URL, allowed: REPOSITORY_ALLOW_LIST },
    maximumQueuedJobs: MAX_QUEUED_JOBS,
  };
});
