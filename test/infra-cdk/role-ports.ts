import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll } from "vitest";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import { ecsAttachGate } from "../../adapters/ecs-attach-gate.ts";
import { ecsRunnerLauncher } from "../../adapters/ecs-runner-launcher.ts";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import type { EventLog } from "../../core/ports.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { tableName } from "../../local/provision.ts";
import { noting, type SdkCall } from "../helpers/iam-requests.ts";
import { testSqs } from "../helpers/queue.ts";
import { testTable } from "../helpers/table.ts";
import { testEcs } from "../local/ecs/test-ecs.ts";

/** What the stage `local` is deployed with. */
const taskDefinition = "omx-web-local-runner";

/** The service's adapters on emulators of all that it calls. */
export async function emulatedAws() {
  await testTable();
  const queueUrl = await (await testSqs()).makeQueue();
  const ecs = await testEcs({ [taskDefinition]: { command: ["sleep", "1000"], environment: {} } });
  setEnvironment({ AWS_ENDPOINT_URL_ECS: ecs.endpoint });
  const cleanUp = new AsyncDisposableStack();
  cleanUp.use(ecs);
  afterAll(() => cleanUp.disposeAsync());

  /** Ports of a role's own, whose clients note their calls. */
  function ports(calls: SdkCall[]) {
    const clients = { dynamo: dynamoClient(), sqs: new SQSClient({}), ecs: new ECSClient({}) };
    for (const client of Object.values(clients)) cleanUp.defer(() => client.destroy());
    clients.dynamo.middlewareStack.add(noting(calls), { step: "initialize" });
    clients.sqs.middlewareStack.add(noting(calls), { step: "initialize" });
    clients.ecs.middlewareStack.add(noting(calls), { step: "initialize" });
    const settings = { cluster: ecs.cluster, taskDefinition, subnets: [], securityGroups: [], assignPublicIp: true };
    return {
      jobs: dynamoJobStore(clients.dynamo, tableName),
      events: whoseAnswersAreLost(dynamoEventLog(clients.dynamo, tableName)),
      slots: dynamoTenantSlots(clients.dynamo, tableName),
      keys: dynamoApiKeys(clients.dynamo, tableName),
      queue: sqsJobQueue(clients.sqs, queueUrl),
      launcher: ecsRunnerLauncher(clients.ecs, settings),
      gate: ecsAttachGate(clients.ecs, ecs.cluster),
      now: () => new Date(),
      maximumConcurrentJobs: 2,
      maximumQueuedJobs: 10,
      repositories: { gitBaseUrl: "https://github.com/", allowed: ["https://github.com/"] },
    };
  }

  return {
    ports,
    /** What others do, who are allowed it. */
    others: ports([]),
    taskStopped: (taskArn: string) => ecs.stopped({ taskArn }),
  };
}

export type EmulatedAws = Awaited<ReturnType<typeof emulatedAws>>;
export type RolePorts = ReturnType<EmulatedAws["ports"]>;

/** Each batch is written again, as after a lost answer: the log then has to look whose the stored one is. */
function whoseAnswersAreLost(log: EventLog): EventLog {
  return {
    ...log,
    async put(batch) {
      await log.put(batch);
      return log.put(batch);
    },
  };
}
