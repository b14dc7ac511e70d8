import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { jobKey } from "../../adapters/dynamo-table.ts";
import type { JobRecord } from "../../core/job.ts";
import type { JobFilter } from "../../core/ports.ts";
import { tableName } from "../../local/provision.ts";
import { upTo } from "../helpers/events.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs } = await testTable();

/** Ids of successive milliseconds, oldest first. */
async function storedJobs(tenantId: string, count: number, more: (number: number) => Partial<JobRecord> = () => ({})) {
  const now = Date.now();
  const stored = upTo(count).map((number) => queuedJob({ jobId: ulid(now + number), tenantId, ...more(number) }));
  await Promise.all(stored.map((job) => jobs.create(job, jobSpec())));
  return stored.map((job) => job.jobId);
}

/** Newer jobs than any other, of which the test needs no more than their place in the index. */
async function storeHidden(tenantId: string, count: number): Promise<string[]> {
  const now = Date.now() + 10_000;
  const jobIds = upTo(count).map((number) => ulid(now + number));
  const rows = jobIds.map((jobId) => ({ ...jobKey(jobId), tenantId, jobId, status: "queued", labels: {} }));
  for (const start of upTo(count / 25)) {
    const some = rows.slice((start - 1) * 25, start * 25);
    const RequestItems = { [tableName]: some.map((Item) => ({ PutRequest: { Item } })) };
    await client.send(new BatchWriteCommand({ RequestItems }));
  }
  return jobIds;
}

/** All pages, each with its ids. */
async function allPages(tenantId: string, filter: JobFilter, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let before: string | undefined; ; ) {
    const page = await jobs.list(tenantId, filter, { before, limit });
    pages.push(page.jobs.map(({ record }) => record.jobId));
    if (page.next === undefined) return pages;
    if (pages.length > 100) throw new Error("The list does not end.");
    before = page.next;
  }
}

const unfiltered: JobFilter = { labels: [] };

describe("paging", () => {
  test("goes through sixty jobs, each exactly once, newest first, whatever the page's length", async () => {
    const tenantId = ulid();
    const ids = await storedJobs(tenantId, 60);

    for (const limit of [7, 20, 50]) {
      const pages = await allPages(tenantId, unfiltered, limit);

      expect(pages.flat()).toEqual(ids.toReversed());
      expect(pages.slice(0, Math.floor(60 / limit)).map((page) => page.length)).toEqual(
        Array(Math.floor(60 / limit)).fill(limit),
      );
    }
  });

  test("is not disturbed by jobs that come meanwhile", async () => {
    const tenantId = ulid();
    const ids = await storedJobs(tenantId, 4);
    const first = await jobs.list(tenantId, unfiltered, { before: undefined, limit: 2 });
    await jobs.create(queuedJob({ jobId: ulid(Date.now() + 1_000), tenantId }), jobSpec());

    const second = await jobs.list(tenantId, unfiltered, { before: first.next, limit: 2 });

    expect(second.jobs.map(({ record }) => record.jobId)).toEqual([ids[1], ids[0]]);
  });

  test("of a tenant without jobs ends at once", async () => {
    expect(await allPages(ulid(), unfiltered, 20)).toEqual([[]]);
  });

  test("by bytes keeps a page of the longest tasks below what a function may answer", async () => {
    const tenantId = ulid();
    const spec = jobSpec({ task: '"'.repeat(100 * 1024) });
    const now = Date.now();
    const stored = upTo(24).map((number) => queuedJob({ jobId: ulid(now + number), tenantId }));
    await Promise.all(stored.map((job) => jobs.create(job, spec)));

    const page = await jobs.list(tenantId, unfiltered, { before: undefined, limit: 50 });
    const pages = await allPages(tenantId, unfiltered, 50);

    // The answer's body is a string within the JSON that the function answers: its escapes are escaped once more.
    const asAnswered = JSON.stringify(JSON.stringify(page.jobs));
    expect(Buffer.byteLength(asAnswered)).toBeLessThan(6 * 1024 * 1024);
    expect(page.jobs.length).toBeGreaterThan(5);
    expect(pages.flat()).toEqual(stored.map((job) => job.jobId).toReversed());
  });
});

describe("a filter", () => {
  const odd = ["a.b-c_D", "status", "size", "#name", ":value0", "labels.x", "이름", "a b"];

  test.each(odd)("by a label may have any name and value: %s", async (name) => {
    const tenantId = ulid();
    const value = `${name}:#(값) "x"`;
    const ids = await storedJobs(tenantId, 3, (number) => ({
      labels: number === 2 ? { [name]: value } : { [name]: "" },
    }));

    expect(await allPages(tenantId, { labels: [[name, value]] }, 10)).toEqual([[ids[1]]]);
    expect(await allPages(tenantId, { labels: [[name, ""]] }, 10)).toEqual([[ids[2], ids[0]]]);
  });

  test("by one label with two values lets nothing through: all must match", async () => {
    const tenantId = ulid();
    await storedJobs(tenantId, 2, (number) => ({ labels: { a: `${number}` } }));
    const labels = [
      ["a", "1"],
      ["a", "2"],
    ] as const;

    expect(await allPages(tenantId, { labels }, 10)).toEqual([[]]);
  });

  test("by as many labels as a job can have is understood", async () => {
    const tenantId = ulid();
    const labels = Object.fromEntries(upTo(16).map((number) => [`label-${number}`, `value-${number}`]));
    const ids = await storedJobs(tenantId, 1, () => ({ labels }));

    expect(await allPages(tenantId, { status: "queued", labels: Object.entries(labels) }, 10)).toEqual([ids]);
  });

  test("that hides nearly everything goes on by cursor, and finds what it lets through", async () => {
    const tenantId = ulid();
    const [oldest = ""] = await storedJobs(tenantId, 1, () => ({ status: "failed" }));
    const hidden = await storeHidden(tenantId, 1_100);
    const filter: JobFilter = { status: "failed", labels: [] };

    const first = await jobs.list(tenantId, filter, { before: undefined, limit: 20 });
    const second = await jobs.list(tenantId, filter, { before: first.next, limit: 20 });

    expect(first.jobs).toEqual([]);
    expect(first.next).toBe(hidden[100]);
    expect(second.jobs.map(({ record }) => record.jobId)).toEqual([oldest]);
    expect(second.next).toBeUndefined();
  });

  test("by a status that a job has left meanwhile hides it, and the jobs behind it are still found", async () => {
    const tenantId = ulid();
    const ids = await storedJobs(tenantId, 3);
    const newest = ids[2] ?? "";
    // The index still says queued when the row says failed already: as if it lagged.
    client.middlewareStack.add(
      (next, context) => async (parameters) => {
        if (context.commandName === "BatchGetItemCommand") {
          await jobs.update(newest, { status: ["queued"] }, { status: "failed" });
        }
        return next(parameters);
      },
      { step: "initialize", name: "lag" },
    );

    const pages = await allPages(tenantId, { status: "queued", labels: [] }, 1).finally(() =>
      client.middlewareStack.remove("lag"),
    );

    expect(pages.flat()).toEqual([ids[1], ids[0]]);
  });
});
