import { gunzipSync } from "node:zlib";
import { DeleteCommand, GetCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { dynamoEventLog } from "../../adapters/dynamo-event-log.ts";
import { eventsPartition, eventsSortKey } from "../../adapters/dynamo-table.ts";
import { defaultRetentionDays } from "../../core/limits.ts";
import { tableName } from "../../local/provision.ts";
import { eventLogContract } from "../contracts/event-log.contract.ts";
import { output, placed, seqs, texts, upTo } from "../helpers/events.ts";
import { testTable } from "../helpers/table.ts";

const { client, events: log } = await testTable();
const unlimited = { events: 1_000, bytes: 100 * 1024 * 1024 };
const keyOf = (jobId: string, firstSeq: number) => ({ pk: eventsPartition(jobId), sk: eventsSortKey(firstSeq) });

async function storeSingles(jobId: string, count: number): Promise<void> {
  for (const seq of upTo(count)) {
    await log.put({ jobId, batchId: `${seq}`, events: placed(seq, [output(`${seq}`)]) });
  }
}

eventLogContract(log, { runs: 15 });

describe("a stored batch", () => {
  test("is compressed, and deleted when the jobs are", async () => {
    const jobId = ulid();
    const events = placed(1, [output("가나다라 ".repeat(5_000))]);
    await log.put({ jobId, batchId: "one", events });

    const { Item: item } = await client.send(new GetCommand({ TableName: tableName, Key: keyOf(jobId, 1) }));

    expect(JSON.parse(gunzipSync(item?.body).toString())).toEqual(events);
    expect(item?.body.length).toBeLessThan(2_000);
    const days = (item?.expiresAt - Date.now() / 1_000) / 86_400;
    expect(days).toBeCloseTo(defaultRetentionDays, 2);
  });

  test("is kept as long as the deployment says", async () => {
    const jobId = ulid();
    await dynamoEventLog(client, tableName, 7).put({ jobId, batchId: "one", events: placed(1, [output("a")]) });

    const { Item: item } = await client.send(new GetCommand({ TableName: tableName, Key: keyOf(jobId, 1) }));

    expect((item?.expiresAt - Date.now() / 1_000) / 86_400).toBeCloseTo(7, 2);
  });

  test("may be 300 KB that cannot be compressed", async () => {
    const jobId = ulid();
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64");
    const events = placed(
      1,
      upTo(5).map((number) => output(`${number}${random.slice(0, 60_000)}`)),
    );

    expect(await log.put({ jobId, batchId: "one", events })).toBe(true);

    expect(await log.read(jobId, 0, unlimited)).toEqual(events);
  });

  test("that is too large for an item is an error, and the log stays as it was", async () => {
    const jobId = ulid();
    await storeSingles(jobId, 1);
    const random = upTo(10).map(() => Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64"));

    await expect(log.put({ jobId, batchId: "large", events: placed(2, random.map(output)) })).rejects.toThrow(/size/i);

    expect(await log.tail(jobId)).toMatchObject({ seq: 1 });
  });
});

describe("reading", () => {
  test("goes on over as many items as it takes, and does not when the page is full", async () => {
    const jobId = ulid();
    await storeSingles(jobId, 50);

    expect(seqs(await log.read(jobId, 0, unlimited))).toEqual(upTo(50));
    expect(seqs(await log.read(jobId, 3, { ...unlimited, events: 40 }))).toEqual(upTo(43).slice(3));
  });

  test("stops before a batch that cannot be seen yet, and goes on once it can", async () => {
    const jobId = ulid();
    await storeSingles(jobId, 5);
    const third = { jobId, batchId: "3", events: placed(3, [output("3")]) };
    await client.send(new DeleteCommand({ TableName: tableName, Key: keyOf(jobId, 3) }));

    expect(texts(await log.read(jobId, 0, unlimited))).toEqual(["1", "2"]);
    expect(texts(await log.read(jobId, 2, unlimited))).toEqual([]);

    await log.put(third);
    expect(texts(await log.read(jobId, 2, unlimited))).toEqual(["3", "4", "5"]);
  });

  test("stops before a gap also where it begins inside a batch", async () => {
    const jobId = ulid();
    await log.put({ jobId, batchId: "1", events: placed(1, upTo(3).map(String).map(output)) });
    await log.put({ jobId, batchId: "2", events: placed(5, [output("5")]) });

    expect(seqs(await log.read(jobId, 2, unlimited))).toEqual([3]);
    expect(seqs(await log.read(jobId, 3, unlimited))).toEqual([]);
  });

  test("keeps the order of numbers where that of texts is another", async () => {
    const jobId = ulid();
    await log.put({ jobId, batchId: "1", events: placed(1, upTo(9).map(String).map(output)) });
    await storeFrom(jobId, 10, 99);
    await storeFrom(jobId, 100, 101);

    expect(seqs(await log.read(jobId, 0, unlimited))).toEqual(upTo(101));

    async function storeFrom(job: string, first: number, last: number): Promise<void> {
      const events = placed(
        first,
        upTo(last - first + 1)
          .map(String)
          .map(output),
      );
      await log.put({ jobId: job, batchId: `${first}`, events });
    }
  });
});

test("What keeps the table from answering is passed on: it is no conflict and no end of the log", async () => {
  const broken = dynamoEventLog(client, "no-such-table");

  await expect(broken.put({ jobId: ulid(), batchId: "1", events: placed(1, [output("a")]) })).rejects.toThrow();
  await expect(broken.tail(ulid())).rejects.toThrow();
  await expect(broken.read(ulid(), 0, unlimited)).rejects.toThrow();
});
