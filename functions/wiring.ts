import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { dynamoClient } from "../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import { ecsRunnerLauncher } from "../adapters/ecs-runner-launcher.ts";
import { FunctionEnvironment, parseEnvironment } from "../adapters/environment.ts";
import { sqsJobQueue } from "../adapters/sqs-job-queue.ts";
import { once } from "./once.ts";

/** The functions' composition root. One function each, so that a bundle holds only the clients that it uses. */

const environment = once(() => parseEnvironment(FunctionEnvironment));
const dynamo = once(dynamoClient);

export const jobStore = once(() => dynamoJobStore(dynamo(), environment().TABLE_NAME));

export const eventLog = once(() => dynamoEventLog(dynamo(), environment().TABLE_NAME));

export const jobQueue = once(() => sqsJobQueue(new SQSClient({}), environment().QUEUE_URL));

export const runnerLauncher = once(() => {
  const { CLUSTER, TASK_DEFINITION, SUBNETS, SECURITY_GROUPS } = environment();
  return ecsRunnerLauncher(new ECSClient({}), {
    cluster: CLUSTER,
    taskDefinition: TASK_DEFINITION,
    subnets: SUBNETS,
    securityGroups: SECURITY_GROUPS,
  });
});

export const repositoryPolicy = once(() => {
  const { GIT_BASE_URL, REPOSITORY_ALLOW_LIST } = environment();
  return { gitBaseUrl: GIT_BASE_URL, allowed: REPOSITORY_ALLOW_LIST };
});

export function systemClock(): Date {
  return new Date();
}
