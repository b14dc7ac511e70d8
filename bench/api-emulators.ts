import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import type { EventLog, JobStore } from "../core/ports.ts";
import { startSqs } from "../local/sqs/sqs-server.ts";
import { startAcceptingEcs } from "./accepting-ecs.ts";
import { startTable, tableName } from "./dynamo.ts";

export interface ApiEmulators {
  /** The whole environment of a process that serves the API. */
  readonly environment: Readonly<Record<string, string>>;
  readonly client: DynamoDBDocumentClient;
  readonly jobs: JobStore;
  readonly events: EventLog;
}

/** All that the API speaks to, in this process: DynamoDB with its table, SQS with its queue, an ECS that starts nothing. */
export async function startApiEmulators(cleanUp: AsyncDisposableStack): Promise<ApiEmulators> {
  const { client, endpoint } = await startTable(cleanUp);
  const sqs = cleanUp.use(await startSqs({ port: 0 }));
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  const queues = new SQSClient({ endpoint: sqs.endpoint, region: "us-east-1", credentials });
  const { QueueUrl = "" } = await queues.send(new CreateQueueCommand({ QueueName: "omx-web-bench" }));
  queues.destroy();
  return {
    environment: {
      ...{
        PATH: process.env.PATH ?? "",
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "bench",
        AWS_SECRET_ACCESS_KEY: "bench",
      },
      ...{ AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ENDPOINT_URL_SQS: sqs.endpoint },
      ...{ AWS_ENDPOINT_URL_ECS: await startAcceptingEcs(cleanUp) },
      ...{ TABLE_NAME: tableName, QUEUE_URL: QueueUrl, CLUSTER: "bench", TASK_DEFINITION: "bench" },
      // No job of a measurement ends, and none is to wait for that.
      ...{ MAX_CONCURRENT_JOBS: "10000", MAX_QUEUED_JOBS: "10000" },
    },
    client,
    jobs: dynamoJobStore(client, tableName),
    events: dynamoEventLog(client, tableName),
  };
}
