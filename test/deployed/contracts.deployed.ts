import { CreateTableCommand, DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe } from "vitest";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { tableDefinition } from "../../adapters/dynamo-table.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import { apiKeysContract } from "../contracts/api-keys.contract.ts";
import { eventLogContract } from "../contracts/event-log.contract.ts";
import { jobQueueContract } from "../contracts/job-queue.contract.ts";
import { jobStoreContract } from "../contracts/job-store.contract.ts";
import { tenantSlotsContract } from "../contracts/tenant-slots.contract.ts";
import { openDeployment } from "./open-deployment.ts";

/** The adapters on the emulator's DynamoDB and SQS: in a table and queues of their own, which nothing else works on. */
await openDeployment();
const [client, queues] = [dynamoClient(), new SQSClient({})];
const TableName = `contracts-${crypto.randomUUID()}`;
const queueUrls: string[] = [];
await client.send(new CreateTableCommand({ TableName, ...tableDefinition }));

afterAll(async () => {
  await client.send(new DeleteTableCommand({ TableName }));
  for (const QueueUrl of queueUrls) await queues.send(new DeleteQueueCommand({ QueueUrl }));
  client.destroy();
  queues.destroy();
});

async function makeQueue() {
  const { QueueUrl = "" } = await queues.send(new CreateQueueCommand({ QueueName: crypto.randomUUID() }));
  queueUrls.push(QueueUrl);
  return sqsJobQueue(queues, QueueUrl);
}

describe("the job store", () => jobStoreContract(dynamoJobStore(client, TableName)));
describe("the event log", () => eventLogContract(dynamoEventLog(client, TableName), { runs: 15 }));
describe("the tenants' slots", () => tenantSlotsContract(dynamoTenantSlots(client, TableName)));
describe("the keys", () => apiKeysContract(dynamoApiKeys(client, TableName)));
describe("the job queue", () => jobQueueContract(makeQueue, { knowsDeleted: false }));
