import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { JobEvent } from "../core/job-events.ts";
import { defaultRetentionDays } from "../core/limits.ts";
import type { EventBatch, EventLog } from "../core/ports.ts";
import { eventsPartition, eventsSortKey, expiryAfter, expiryAttribute } from "./dynamo-table.ts";

const compress = promisify(gzip);

/** A batch as it is stored, under the seq of its first event. */
const StoredBatch = z.object({
  sk: z.string(),
  lastSeq: z.int(),
  attempt: z.int(),
  closed: z.boolean(),
  body: z.instanceof(Uint8Array),
});
type StoredBatch = z.infer<typeof StoredBatch>;

/** What one query of a page reads: enough items for a page of small batches, few enough to stay cheap. */
const nextItems = { Limit: 16 };
const lastItem = { ScanIndexForward: false, Limit: 1 };

/** Each batch expires `retentionDays` after it was written. */
export function dynamoEventLog(
  client: DynamoDBDocumentClient,
  tableName: string,
  retentionDays = defaultRetentionDays,
): EventLog {
  const table = { TableName: tableName };

  async function query(jobId: string, condition: string, values: Record<string, string>, limits: object) {
    const answer = await client.send(
      new QueryCommand({
        ...table,
        KeyConditionExpression: `pk = :pk AND ${condition}`,
        ExpressionAttributeValues: { ":pk": eventsPartition(jobId), ...values },
        ...limits,
      }),
    );
    return (answer.Items ?? []).map((item) => StoredBatch.parse(item));
  }

  /** The batches after `after`, starting with the one that holds its successor, up to the first gap. */
  async function batchesAfter(jobId: string, after: number): Promise<StoredBatch[]> {
    const following = await query(jobId, "sk > :after", { ":after": eventsSortKey(after) }, nextItems);
    if (following[0]?.sk === eventsSortKey(after + 1)) return contiguous(following, after + 1);
    // `after` lies inside a batch, or at the end of the log.
    const holding = await query(jobId, "sk <= :after", { ":after": eventsSortKey(after) }, lastItem);
    const batches = [...holding.filter((batch) => batch.lastSeq > after), ...following];
    return contiguous(batches, holding[0] && holding[0].lastSeq > after ? Number(holding[0].sk) : after + 1);
  }

  async function* decodedBatches(jobId: string, after: number) {
    for (let next = after; ; ) {
      const batches = await batchesAfter(jobId, next);
      if (batches.length === 0) return;
      for (const batch of batches) {
        // At once: a batch is small, and a thread's round trip would take longer than the work.
        const body = gunzipSync(batch.body);
        const events = JSON.parse(body.toString()) as JobEvent[];
        yield { events: events.filter((event) => event.seq > after), bytes: body.length };
        next = batch.lastSeq;
      }
    }
  }

  return {
    async tail(jobId) {
      // A writer must see the true end; a reader that does not see it yet comes again.
      const limits = { ...lastItem, ConsistentRead: true };
      const [last] = await query(jobId, "sk > :start", { ":start": eventsSortKey(0) }, limits);
      return last
        ? { seq: last.lastSeq, attempt: last.attempt, closed: last.closed }
        : { seq: 0, attempt: 0, closed: false };
    },

    async put(batch) {
      const Item = await toItem(batch, retentionDays);
      try {
        await client.send(new PutCommand({ ...table, Item, ConditionExpression: "attribute_not_exists(pk)" }));
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const Key = { pk: Item.pk, sk: Item.sk };
        const stored = await client.send(new GetCommand({ ...table, Key, ConsistentRead: true }));
        // Our own batch: an earlier try was stored, and only its answer was lost.
        return stored.Item?.batchId === batch.batchId;
      }
    },

    async read(jobId, after, limits) {
      const events: JobEvent[] = [];
      let bytes = 0;
      for await (const batch of decodedBatches(jobId, after)) {
        bytes += batch.bytes;
        if (events.length > 0 && bytes > limits.bytes) break;
        events.push(...batch.events);
        if (events.length >= limits.events) break;
      }
      return events.slice(0, limits.events);
    },
  };
}

async function toItem(batch: EventBatch, retentionDays: number) {
  const [first, last] = [batch.events[0], batch.events.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("An event batch must hold an event.");
  return {
    pk: eventsPartition(batch.jobId),
    sk: eventsSortKey(first.seq),
    lastSeq: last.seq,
    attempt: last.attempt,
    closed: last.type === "job_finished",
    batchId: batch.batchId,
    body: await compress(JSON.stringify(batch.events)),
    [expiryAttribute]: expiryAfter(retentionDays),
  };
}

/** Reads are eventually consistent, so a later batch may be seen before an earlier one: stop at the gap, not over it. */
function contiguous(batches: StoredBatch[], firstSeq: number): StoredBatch[] {
  let expected = firstSeq;
  const end = batches.findIndex((batch) => {
    if (Number(batch.sk) !== expected) return true;
    expected = batch.lastSeq + 1;
    return false;
  });
  return end === -1 ? batches : batches.slice(0, end);
}
