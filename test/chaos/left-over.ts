import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { liveIndex } from "../../adapters/dynamo-table.ts";
import { startDynamo } from "../../local/dynamo/dynamo-server.ts";
import { tableName } from "../../local/provision.ts";
import { nameOf } from "./own-folder.ts";
import type { StackProcess } from "./stack-process.ts";

/** What is still there of jobs that have all ended, one line for each. */
export interface LeftOver {
  readonly processes: readonly string[];
  readonly folders: readonly string[];
  readonly slots: readonly string[];
  readonly liveEntries: readonly string[];
}

/**
 * Looks after the stack has been stopped in order. What agents have made stays in the folders of jobs that say so, and
 * nothing else.
 */
export async function leftOver(stack: StackProcess, keepsItsFolder: (jobId: string) => boolean): Promise<LeftOver> {
  const processes = (await stack.processes()).map(nameOf);
  const folders: string[] = [];
  for (const jobId of await readdir(stack.workRoot)) {
    const content = await readdir(join(stack.workRoot, jobId));
    const isExpected = keepsItsFolder(jobId) && content.every((name) => name === "job" || name === "repo");
    if (!isExpected) folders.push(`${jobId}: ${content.join(" ")}`);
  }
  return { processes, folders, ...(await heldInTable(join(stack.dataDirectory, "dynamodb"))) };
}

async function heldInTable(directory: string): Promise<Pick<LeftOver, "slots" | "liveEntries">> {
  await using dynamo = await startDynamo({ port: 0, directory });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: dynamo.endpoint, region: "us-east-1", credentials }),
  );
  const slots: string[] = [];
  const liveEntries: string[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName })) {
    for (const item of Items) {
      if (item.holders instanceof Set) slots.push(`${item.pk}: ${[...item.holders].join(" ")}`);
      const { [liveIndex.partitionKey]: partition, [liveIndex.sortKey]: key } = item;
      // A tenant without holders leaves the index with the next reconcile.
      if (partition !== undefined && !String(key).startsWith("slots#")) liveEntries.push(String(key));
    }
  }
  client.destroy();
  return { slots, liveEntries };
}
