import { ulid } from "ulid";
import { afterAll, describe, expect, test } from "vitest";
import type { JobRecord } from "../../../core/job.ts";
import type { NewJobEvent } from "../../../core/job-events.ts";
import { appendEvents } from "../../../core/lifecycle/append-events.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import type { EventLog } from "../../../core/ports.ts";
import { installAwsLambdaGlobal } from "../../../local/gateway/response-streaming.ts";
import { Problem } from "../../../openapi/problem.ts";
import { EventPage, routes } from "../../../openapi/routes.ts";
import { tenantId } from "../../helpers/api.ts";
import { output, placed, seqs, texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { allEvents, parseEvents } from "../../helpers/server-sent-events.ts";
import { testTable } from "../../helpers/table.ts";
import { testGateway } from "../../local/gateway/test-gateway.ts";

installAwsLambdaGlobal();
const { listJobEvents } = await import("../../../functions/api/list-job-events.ts");
const { streamingLambdaFor } = await import("../../../functions/http.ts");

/** With slots for all jobs of this file: they are one tenant's. */
const life = new Lifecycle(await testTable(), 1_000);
const { url } = await gatewayTo(life.events);

/** The route behind the local gateway, over HTTP: a streaming function has no other way out. */
async function gatewayTo(
  events: EventLog,
  authorizerContext: Record<string, string> = { tenantId, scopes: "jobs:read" },
) {
  const { method, path } = routes.listJobEvents;
  const handler = streamingLambdaFor("listJobEvents", () => listJobEvents({ jobs: life.jobs, events }));
  const gateway = await testGateway([{ name: "listJobEvents", method, path, streams: true, handler }], {
    authorizerContext,
  });
  afterAll(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

const get = (jobId: string, query = "", headers: Record<string, string> = {}, base = url) =>
  fetch(`${base}/v1/jobs/${jobId}/events${query}`, { headers });
const stream = (jobId: string, query = "", headers: Record<string, string> = {}, base = url) =>
  get(jobId, query, { Accept: "text/event-stream", ...headers }, base);

async function pageOf(jobId: string, query = "") {
  const response = await get(jobId, query);
  expect(response.status).toBe(200);
  return EventPage.parse(await response.json());
}

const writerOf = ({ jobId, attempt }: JobRecord) => ({ jobId, attempt, tail: undefined });

/** A running job of ours, with these events after its first. */
async function runningWith(...batches: NewJobEvent[][]): Promise<JobRecord> {
  const job = await life.running({ tenantId });
  for (const batch of batches) await appendEvents(life.events, writerOf(job), batch);
  return job;
}

async function endedWith(...batches: NewJobEvent[][]): Promise<JobRecord> {
  const job = await runningWith(...batches);
  await finishJob(life, job, { status: "succeeded", reason: null });
  return life.row(job.jobId);
}

const says = (role: "planner" | "executor", text: string): NewJobEvent => ({ ...output(text), role });

describe("a page of events", () => {
  test("has what comes after the seq that the reader has, and where to go on", async () => {
    const { jobId } = await runningWith([output("a"), output("b")], [output("c")]);

    expect(await pageOf(jobId)).toMatchObject({ next: 4, complete: false, pollAfterMs: 0 });
    expect(texts((await pageOf(jobId)).events)).toEqual(["job_queued", "a", "b", "c"]);
    expect(texts((await pageOf(jobId, "?after=2")).events)).toEqual(["b", "c"]);
    expect(await pageOf(jobId, "?after=4")).toEqual({ events: [], next: 4, complete: false, pollAfterMs: 1_000 });
  });

  test("is complete when the job has ended and its last event has been given, not before", async () => {
    const { jobId } = await endedWith([output("a")]);

    expect(await pageOf(jobId, "?limit=2")).toMatchObject({ next: 2, complete: false });
    expect(await pageOf(jobId, "?after=2")).toMatchObject({ next: 3, complete: true, pollAfterMs: 0 });
    expect(await pageOf(jobId, "?after=3")).toEqual({ events: [], next: 3, complete: true, pollAfterMs: 0 });
  });

  test("after a seq beyond the end is empty, and complete only if the job has ended", async () => {
    const running = await runningWith();
    const ended = await endedWith();

    expect(await pageOf(running.jobId, "?after=999999999")).toMatchObject({
      events: [],
      next: 999_999_999,
      complete: false,
    });
    expect(await pageOf(ended.jobId, "?after=999999999")).toMatchObject({
      events: [],
      next: 999_999_999,
      complete: true,
    });
  });

  test("of a job that has not begun says to ask less often", async () => {
    const { jobId } = await life.accepted({ tenantId });

    expect(await pageOf(jobId, "?after=1")).toMatchObject({ events: [], pollAfterMs: 2_000 });
  });

  test("has only what its filters let through, and goes on also where they hid everything", async () => {
    const { jobId } = await runningWith([says("planner", "a"), says("executor", "b"), says("planner", "c")]);

    expect(await pageOf(jobId, "?role=planner")).toMatchObject({ next: 4 });
    expect(texts((await pageOf(jobId, "?role=planner")).events)).toEqual(["a", "c"]);
    expect(texts((await pageOf(jobId, "?types=job_queued,verdict")).events)).toEqual(["job_queued"]);
    expect(texts((await pageOf(jobId, "?types=pane_output&role=executor")).events)).toEqual(["b"]);
    expect(await pageOf(jobId, "?role=verifier")).toEqual({ events: [], next: 4, complete: false, pollAfterMs: 0 });
  });

  test("of long texts of any language is whole, to the letter", async () => {
    const long = upTo(40).map((number) => output(`${number} ${"한국어👩‍👩‍👧\u001b[1m".repeat(500)}`));
    const { jobId } = await runningWith(long);

    expect(texts((await pageOf(jobId)).events)).toEqual(["job_queued", ...texts(placed(2, long))]);
  });

  test("is full at a megabyte, and the pages together have every event once", async () => {
    const batches = upTo(6).map((number) => [output(`${number}${"가".repeat(100_000)}`)]);
    const { jobId } = await endedWith(...batches);
    const pages: number[][] = [];

    for (let after = 0, complete = false; !complete; ) {
      const page = await pageOf(jobId, `?after=${after}`);
      pages.push(seqs(page.events));
      ({ next: after, complete } = page);
    }

    expect(pages).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  test.each([
    ["?after", "?after=-1"],
    ["?after", "?after=x"],
    ["?after", "?after=1234567890"],
    ["?after", "?after=1&after=2"],
    ["?limit", "?limit=0"],
    ["?limit", "?limit=1001"],
    ["?types", "?types=surprise"],
    ["?types", "?types="],
    ["?role", "?role=reviewer"],
    ["?surprise", "?surprise=1"],
  ])("that makes no sense is pointed at: %s of %s", async (pointer, query) => {
    const response = await get(ulid(), query);

    expect(response.status).toBe(400);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(Problem.parse(await response.json())).toMatchObject({ code: "invalid_request", errors: [{ pointer }] });
  });
});

describe("the stream of events", () => {
  test("has the same events as the pages, each under its seq, and ends after the last", async () => {
    const { jobId } = await endedWith([output("한국어\n\n"), output("b")], [output("c")]);
    const { events } = await pageOf(jobId);

    const response = await stream(jobId);

    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const text = await response.text();
    expect(text).toMatch(/^retry: \d+\n\n/);
    expect(parseEvents(text)).toEqual(events.map((event) => ({ id: event.seq, data: event })));
  });

  test.each([
    ["Last-Event-ID", "", { "Last-Event-ID": "2" }],
    ["after", "?after=2", {}],
    ["Last-Event-ID, which wins over after", "?after=1", { "Last-Event-ID": "2" }],
    ["after, where Last-Event-ID is empty", "?after=2", { "Last-Event-ID": "" }],
  ])("resumes by %s", async (_how, query, headers) => {
    const { jobId } = await endedWith([output("a"), output("b")]);

    expect((await allEvents(await stream(jobId, query, headers))).map(({ id }) => id)).toEqual([3, 4]);
  });

  test("moves the reader on where a filter hides what came last", async () => {
    const { jobId } = await endedWith([says("planner", "a"), says("executor", "b")], [says("executor", "c")]);

    const shown = await allEvents(await stream(jobId, "?role=planner"));

    expect(shown).toEqual([
      { id: 2, data: expect.objectContaining({ seq: 2, role: "planner" }) },
      { id: 5, data: undefined },
    ]);
  });

  test("after the end of the job tells the reader not to come again", async () => {
    const { jobId } = await endedWith([output("a")]);

    for (const seen of ["3", "4", "999999999"]) {
      const response = await stream(jobId, "", { "Last-Event-ID": seen });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
    }
    expect((await stream(jobId, "", { "Last-Event-ID": "2" })).status).toBe(200);
  });

  test("has what happens while it is read, and ends with the job", async () => {
    const job = await runningWith([output("a")]);
    const response = await stream(job.jobId);
    const steps = [
      () => appendEvents(life.events, writerOf(job), [output("b")]),
      () => finishJob(life, job, { status: "succeeded", reason: null }),
    ];
    let text = "";
    // Each step is made once the one before it has been read.
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      if (text.includes(`"${"ab"[2 - steps.length]}"`)) await steps.shift()?.();
    }

    expect(parseEvents(text).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  test("that cannot go on is cut off, so that it does not pass for an ended one", async () => {
    const { jobId } = await runningWith([output("a")]);
    let reads = 0;
    const failing: EventLog = {
      ...life.events,
      read: (...parameters) => (reads++ === 0 ? life.events.read(...parameters) : Promise.reject(new Error("down"))),
    };
    const gateway = await gatewayTo(failing);

    const response = await stream(jobId, "", {}, gateway.url);

    await expect(response.text()).rejects.toThrow();
    expect(gateway.failures.map(({ error }) => String(error))).toEqual(["Error: down"]);
  });

  test.each(["x", "-1", "1.5", "1234567890"])("cannot resume at %j", async (seen) => {
    const { jobId } = await runningWith();

    const response = await stream(jobId, "", { "Last-Event-ID": seen });

    expect(response.status).toBe(400);
    expect(Problem.parse(await response.json()).code).toBe("invalid_request");
  });

  test.each(["application/json, text/event-stream", "text/event-stream;charset=utf-8", "TEXT/EVENT-STREAM"])(
    "is what a reader gets who accepts %s",
    async (accept) => {
      const { jobId } = await endedWith();

      expect((await stream(jobId, "", { Accept: accept })).headers.get("Content-Type")).toBe("text/event-stream");
    },
  );
});

describe.each([
  ["a page", {}],
  ["a stream", { Accept: "text/event-stream" }],
])("to whom %s is not given", (_what, headers) => {
  test("is who asks for a job that never was, for another tenant's, or for what is no ULID", async () => {
    const others = await life.accepted({ tenantId: "tenant-2" });

    for (const jobId of [ulid(), others.jobId, "1"]) {
      const response = await get(jobId, "", headers);
      expect(response.status).toBe(404);
      expect(Problem.parse(await response.json())).toMatchObject({ code: "not_found" });
    }
  });

  test("is who has no tenant", async () => {
    const { jobId } = await runningWith();
    const gateway = await gatewayTo(life.events, {});

    const response = await get(jobId, "", headers, gateway.url);

    expect(response.status).toBe(401);
    expect(Problem.parse(await response.json()).code).toBe("unauthorized");
  });
});
