import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { listJobs } from "../../../functions/api/list-jobs.ts";
import { JobList } from "../../../openapi/routes.ts";
import { type ApiCall, lambdaOf } from "../../helpers/api.ts";
import { upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const life = new Lifecycle(await testTable());
const list = lambdaOf("listJobs", listJobs(life));

/** A tenant's jobs of successive milliseconds, oldest first: even ones have failed. */
async function tenantWith(count: number): Promise<{ tenantId: string; ids: string[] }> {
  const tenantId = ulid();
  const now = Date.now();
  const rows = upTo(count).map((number) => ({
    jobId: ulid(now + number),
    tenantId,
    status: number % 2 === 0 ? ("failed" as const) : ("queued" as const),
    labels: { number: `${number}`, url: "http://a:b", empty: "" },
  }));
  for (const row of rows) await life.accepted(row);
  return { tenantId, ids: rows.map(({ jobId }) => jobId) };
}

async function idsOf(call: ApiCall): Promise<string[]> {
  return JobList.parse((await list(call)).body).jobs.map(({ jobId }) => jobId);
}

describe("a list", () => {
  test("has a tenant's jobs, newest first, and says where it ends", async () => {
    const { tenantId, ids } = await tenantWith(3);

    const { status, body } = await list({ tenantId });

    expect(status).toBe(200);
    expect(JobList.parse(body).jobs.map(({ jobId }) => jobId)).toEqual(ids.toReversed());
    expect(body).toMatchObject({ nextCursor: null });
    expect(await idsOf({ tenantId: ulid() })).toEqual([]);
  });

  test("has twenty jobs unless another number up to fifty is asked for", async () => {
    const { tenantId } = await tenantWith(22);

    expect(await idsOf({ tenantId })).toHaveLength(20);
    expect(await idsOf({ tenantId, query: { limit: "1" } })).toHaveLength(1);
    expect(await idsOf({ tenantId, query: { limit: "50" } })).toHaveLength(22);
  });

  test("goes on by cursor, with its filters", async () => {
    const { tenantId, ids } = await tenantWith(7);
    const query = { status: "queued", label: "url:http://a:b", limit: "2" };
    const found: string[] = [];

    for (let cursor: string | null = ""; cursor !== null; ) {
      const { body } = await list({ tenantId, query: { ...query, ...(cursor && { cursor }) } });
      const page = JobList.parse(body);
      found.push(...page.jobs.map(({ jobId }) => jobId));
      cursor = page.nextCursor;
    }

    expect(found).toEqual([ids[6], ids[4], ids[2], ids[0]]);
  });
});

describe("a filter", () => {
  test("is by status, by labels, or by both", async () => {
    const { tenantId, ids } = await tenantWith(4);
    const ask = (query: ApiCall["query"]) => idsOf({ tenantId, ...(query && { query }) });

    expect(await ask({ status: "failed" })).toEqual([ids[3], ids[1]]);
    expect(await ask({ label: "number:3" })).toEqual([ids[2]]);
    expect(await ask({ label: ["number:2", "url:http://a:b"] })).toEqual([ids[1]]);
    expect(await ask({ label: ["number:2", "number:3"] })).toEqual([]);
    expect(await ask({ label: "empty:" })).toHaveLength(4);
    expect(await ask({ label: "absent:" })).toEqual([]);
    expect(await ask({ status: "queued", label: "number:2" })).toEqual([]);
  });

  test.each<[pointer: string, query: NonNullable<ApiCall["query"]>]>([
    ["?status", { status: "done" }],
    ["?status", { status: ["queued", "failed"] }],
    ["?label", { label: "team" }],
    ["?label", { label: ":a" }],
    ["?label", { label: upTo(17).map((number) => `a${number}:b`) }],
    ["?limit", { limit: "0" }],
    ["?limit", { limit: "51" }],
    ["?limit", { limit: "-1" }],
    ["?limit", { limit: "1.5" }],
    ["?limit", { limit: "" }],
    ["?limit", { limit: ["1", "2"] }],
    ["?surprise", { surprise: "1" }],
    ["?__proto__", JSON.parse('{"__proto__": "1"}')],
  ])("that makes no sense is pointed at: %s of %j", async (pointer, query) => {
    expect(await list({ query })).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ pointer }] },
    });
  });
});

describe("a cursor", () => {
  test("is of its own list only", async () => {
    const { tenantId } = await tenantWith(3);
    const { nextCursor } = JobList.parse((await list({ tenantId, query: { limit: "1" } })).body);
    const cursor = nextCursor ?? "";

    const foreign: ApiCall[] = [
      { tenantId: ulid(), query: { cursor } },
      { tenantId, query: { cursor, status: "queued" } },
      { tenantId, query: { cursor, label: "a:b" } },
    ];

    expect((await list({ tenantId, query: { cursor, limit: "2" } })).status).toBe(200);
    for (const call of foreign) {
      expect(await list(call)).toMatchObject({
        status: 400,
        body: { code: "invalid_cursor", errors: [{ pointer: "?cursor" }] },
      });
    }
  });

  test("holds whatever the order of its labels", async () => {
    const { tenantId } = await tenantWith(3);
    const [one, other] = ["url:http://a:b", "empty:"];
    const { nextCursor } = JobList.parse((await list({ tenantId, query: { limit: "1", label: [one, other] } })).body);

    expect((await list({ tenantId, query: { cursor: nextCursor ?? "", label: [other, one] } })).status).toBe(200);
  });

  test.each(["", "x", "!!!", Buffer.from("[]").toString("base64url"), Buffer.from('["1","2"]').toString("base64url")])(
    "is not %j",
    async (cursor) => {
      expect(await list({ query: { cursor } })).toMatchObject({ status: 400, body: { code: "invalid_cursor" } });
    },
  );
});

test("Nobody is told of jobs without a tenant", async () => {
  expect(await list({ tenantId: null })).toMatchObject({ status: 401, body: { code: "unauthorized" } });
});
