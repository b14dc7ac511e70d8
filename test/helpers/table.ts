import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll } from "vitest";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import type { EventLog, JobStore, TenantSlots } from "../../core/ports.ts";
import { startDynamo } from "../../local/dynamo/dynamo-server.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { provisionTable, tableName } from "../../local/provision.ts";

export interface TestTable {
  readonly client: DynamoDBDocumentClient;
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
}

/** The service's table in a DynamoDB of its own, until the tests of the calling file are over. */
export async function testTable(): Promise<TestTable> {
  const dynamo = await startDynamo({ port: 0 });
  setEnvironment({ AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, TABLE_NAME: tableName });
  await provisionTable();
  const client = dynamoClient();
  afterAll(async () => {
    client.destroy();
    await dynamo[Symbol.asyncDispose]();
  });
  const jobs = dynamoJobStore(client, tableName);
  // The SDK reads its endpoint from the environment at the first request: before another table of the file sets it anew.
  await jobs.get("none");
  return {
    client,
    jobs,
    events: dynamoEventLog(client, tableName),
    slots: dynamoTenantSlots(client, tableName),
  };
}
