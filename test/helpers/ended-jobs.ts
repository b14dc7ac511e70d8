import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { eventsPartition, eventsSortKey, jobKey, liveIndex, liveKey, specKey } from "../../adapters/dynamo-table.ts";
import { reasonOf } from "../../core/reasons.ts";
import { upTo } from "./events.ts";
import { jobSpec, queuedJob } from "./jobs.ts";

/** Rows as settled jobs leave them, written past the store: so many would take it long. */
export async function storeEndedJobs(
  client: DynamoDBDocumentClient,
  tableName: string,
  { tenantId, count }: { readonly tenantId: string; readonly count: number },
): Promise<void> {
  const items = upTo(count).flatMap(() => endedJob(tenantId));
  for (let start = 0; start < items.length; start += 25) {
    const puts = items.slice(start, start + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
}

function endedJob(tenantId: string): Record<string, unknown>[] {
  const jobId = ulid();
  const endedAt = "2026-11-22T10:10:00.000Z";
  const row = queuedJob({
    ...{ jobId, tenantId, status: "failed", attempt: 1, launches: 1, lastSeq: 2, endedAt, owner: `task/${jobId}` },
    reason: reasonOf("stage_failed", "The executor exited with code 1."),
  });
  // It keeps its sort key, and has left the index by its partition key.
  return [
    { ...jobKey(jobId), ...row, [liveIndex.sortKey]: liveKey("active", jobId) },
    { ...specKey(jobId), spec: jobSpec() },
    { pk: eventsPartition(jobId), sk: eventsSortKey(1), lastSeq: 2, attempt: 1, closed: true, batchId: jobId },
  ];
}
