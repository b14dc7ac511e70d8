import { ulid } from "ulid";
import { describe, expect, test, vi } from "vitest";
import { Job } from "../../../core/job.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { createJob } from "../../../functions/api/create-job.ts";
import type { SubmitPorts } from "../../../functions/submit-job.ts";
import { type ApiAnswer, type ApiCall, lambdaOf } from "../../helpers/api.ts";
import { upTo } from "../../helpers/events.ts";
import { jobRequest } from "../../helpers/jobs.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();
const repositories = { gitBaseUrl: "https://github.com/", allowed: ["https://github.com/"] };

/** The route on the given ports, for a tenant of its own unless another is given, and what it has set going. */
function service(more: Partial<SubmitPorts> = {}, tenantId: string = ulid()) {
  const life = new Lifecycle(stores, more.maximumConcurrentJobs);
  const post = lambdaOf("createJob", createJob({ ...life, repositories, maximumQueuedJobs: 1_000, ...more }));
  return { life, tenantId, post: (call: Partial<ApiCall> = {}) => post({ body: jobRequest(), tenantId, ...call }) };
}

const jobIdOf = ({ body }: ApiAnswer) => Job.parse(body).jobId;

const withKey = (key: string) => ({ headers: { "Idempotency-Key": key } });
const newKey = () => withKey(crypto.randomUUID());

describe("a job that is asked for", () => {
  test("is accepted with its place, stored, and started", async () => {
    const { life, tenantId, post } = service();

    const { status, headers, body } = await post();

    const { jobId } = Job.parse(body);
    expect(status).toBe(202);
    expect(headers).toEqual({
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      Location: `jobs/${jobId}`,
    });
    const here = "https://api.example/stage/v1/jobs";
    expect(new URL(String(headers?.Location), here).pathname).toBe(`/stage/v1/jobs/${jobId}`);
    expect(body).toMatchObject({ status: "queued", attempt: 0, createdAt: life.now().toISOString(), ref: null });
    expect(await life.row(jobId)).toMatchObject({ tenantId, status: "starting", attempt: 1 });
    expect(await stores.jobs.getSpec(jobId)).toMatchObject({ repositoryUrl: "https://github.com/owner/name" });
    expect(life.queue.sent).toEqual([{ jobId, attempt: 1 }]);
    expect(life.launcher.launches).toEqual([{ jobId, attempt: 1, launch: 1 }]);
    expect(body).toMatchObject({ waiting: null, retryOf: null });
  });

  test("has its labels where lists look for them", async () => {
    const { life, post } = service();

    const { jobId } = Job.parse((await post({ body: jobRequest({ labels: { team: "a" } }) })).body);

    expect((await life.row(jobId)).labels).toEqual({ team: "a" });
  });

  test("is accepted also when it cannot be started now: reconcile will", async () => {
    const { life, post } = service();
    life.launcher.failOnce(new Error("Rate exceeded"));
    const log = vi.spyOn(process.stderr, "write").mockReturnValue(true);

    const { status, body } = await post();

    const { jobId } = Job.parse(body);
    expect(status).toBe(202);
    expect(await life.isLive(jobId)).toBe(true);
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({
      level: "ERROR",
      message: "start failed",
      jobId,
    });
    log.mockRestore();
  });

  test("is the answerer's own tenant's, whatever the request says", async () => {
    const { life, post } = service();

    const { body } = await post({ tenantId: "tenant-2", headers: { "X-Tenant-Id": "tenant-3" } });

    expect((await life.row(Job.parse(body).jobId)).tenantId).toBe("tenant-2");
  });

  test("may be written with a header in any case, and as JSON of any kind", async () => {
    const { post } = service();

    for (const contentType of ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]) {
      expect((await post({ headers: { "content-type": contentType, "Content-Type": contentType } })).status).toBe(202);
    }
  });
});

describe("a job for which its tenant has no slot", () => {
  test("is accepted and waits, and says so in its events", async () => {
    const { life, post } = service({ maximumConcurrentJobs: 2 });
    for (const _job of upTo(2)) await post();

    const { status, body } = await post();

    const { jobId } = Job.parse(body);
    expect(status).toBe(202);
    expect(await life.row(jobId)).toMatchObject({ status: "queued", waiting: "tenant_limit", attempt: 0 });
    expect((await life.history(jobId)).at(-1)).toMatchObject({ type: "job_waiting", data: { reason: "tenant_limit" } });
    expect(life.launcher.launches).toHaveLength(2);
  });

  test("is another tenant's in no way", async () => {
    const { post } = service({ maximumConcurrentJobs: 1 });
    const other = service({ maximumConcurrentJobs: 1 });
    for (const _job of upTo(3)) await post();

    const jobId = jobIdOf(await other.post());

    expect((await other.life.row(jobId)).status).toBe("starting");
  });
});

describe("a job beyond what may wait", () => {
  /** A tenant with one job that runs and two that wait, which is all that may. */
  async function fullService() {
    const full = service({ maximumConcurrentJobs: 1, maximumQueuedJobs: 2 });
    const [, ...waiting] = [await full.post(), await full.post(), await full.post()];
    return { ...full, waiting: waiting.map(jobIdOf) };
  }

  test("is refused, with a word on when to come again, and leaves nothing behind", async () => {
    const { life, tenantId, post } = await fullService();
    const before = await stores.jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 50 });

    const { status, headers, body } = await post();

    expect(status).toBe(429);
    expect(headers).toMatchObject({ "Content-Type": "application/problem+json", "Retry-After": "30" });
    expect(body).toMatchObject({
      ...{ code: "quota_exceeded", retryable: true },
      detail: "2 jobs are waiting already. Submit again when some have started, or cancel some.",
    });
    expect(await stores.jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 50 })).toEqual(before);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("is taken as soon as one fewer waits", async () => {
    const { life, waiting, post } = await fullService();
    await cancelJob(life, await life.row(waiting[0] ?? ""));

    expect((await post()).status).toBe(202);
    expect((await post()).status).toBe(429);
  });

  test("is none of another tenant's", async () => {
    await fullService();

    expect((await service({ maximumConcurrentJobs: 1, maximumQueuedJobs: 2 }).post()).status).toBe(202);
  });

  test("does not hide the answer to a request that was accepted before: its repetition gets it again", async () => {
    const full = service({ maximumConcurrentJobs: 1, maximumQueuedJobs: 2 });
    const key = newKey();
    await full.post();
    const first = await full.post(key);
    await full.post();
    expect((await full.post()).status).toBe(429);

    const again = await full.post(key);

    expect(again).toMatchObject({ status: 202, headers: { "Idempotent-Replay": "true" } });
    expect(again.body).toEqual(first.body);
  });

  test("is the same job under its key when there is room for it later", async () => {
    const { life, tenantId, waiting, post } = await fullService();
    const key = newKey();
    expect((await post(key)).status).toBe(429);
    await cancelJob(life, await life.row(waiting[0] ?? ""));

    const [second, third] = [await post(key), await post(key)];

    expect(second.status).toBe(202);
    expect(third.body).toEqual(second.body);
    expect(await stores.jobs.countWaiting(tenantId, 10)).toBe(2);
  });

  test("is refused to each of many that come at once", async () => {
    const { post } = await fullService();

    const answers = await Promise.all(upTo(5).map(() => post()));

    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(429));
  });
});

describe("a request that cannot be understood", () => {
  test.each<[name: string, more: object, pointer: string, detail: string | RegExp]>([
    ["an unknown field", { surprise: 1 }, "#/surprise", "is not a field of this request"],
    ["an unknown option", { options: { "a/b~c": 1 } }, "#/options/a~1b~0c", "is not a field of this request"],
    ["a field of the wrong type", { task: 7 }, "#/task", "Invalid input: expected string, received number"],
    ["an unknown mode", { mode: "solo" }, "#/mode", /"team"\|"swarm"\|"ultrapilot"\|"parallel"$/],
    ["an unknown provider", { provider: "gpt" }, "#/provider", /"codex"\|"claude"\|"gemini"\|"omx"\|"omc"\|"custom"$/],
    ["too long a task", { task: "가".repeat(34_134) }, "#/task", "at most 100 KB of UTF-8 text"],
    ["too long a time", { options: { maxMinutes: 721 } }, "#/options/maxMinutes", /<=720$/],
    ["a bad ref", { ref: "--upload-pack=x" }, "#/ref", "a branch, tag or commit"],
    ["a reserved variable", { options: { env: { PATH: "x" } } }, "#/options/env/PATH", /set by the service/],
    ["a bad variable name", { options: { env: { "1A": "x" } } }, "#/options/env/1A", /^a variable name: /],
    ["half of a surrogate pair", { task: "\ud83d" }, "#/task", /whole Unicode characters/],
    ["a bad label name", { labels: { "a b": "x" } }, "#/labels/a%20b", /^a label's name: /],
    ["a repository elsewhere", { repo: "https://github.com.evil/a/b" }, "#/repo", /allows: https:\/\/github\.com\/$/],
    ["no repository", { repo: "../x" }, "#/repo", /^must be owner\/name, or /],
  ])("because of %s is answered by a pointer to it", async (_name, more, pointer, detail) => {
    const { life, post } = service();

    const { status, headers, body } = await post({ body: { ...jobRequest(), ...more } });

    expect(status).toBe(400);
    expect(headers["Content-Type"]).toBe("application/problem+json");
    const expected = typeof detail === "string" ? detail : expect.stringMatching(detail);
    expect(body).toMatchObject({ code: "invalid_request", retryable: false, errors: [{ pointer, detail: expected }] });
    expect(body).toMatchObject({ detail: expect.stringContaining(pointer), instance: "/v1/jobs" });
    expect(life.launcher.launches).toEqual([]);
  });

  test("is answered by all that is wrong with it at once", async () => {
    const { post } = service();

    const { body } = await post({ body: { ...jobRequest(), task: "", mode: "x", one: 1, two: 2 } });

    const errors: unknown = expect.arrayContaining(
      ["#/mode", "#/task", "#/one", "#/two"].map((pointer) => expect.objectContaining({ pointer })),
    );
    expect(body).toMatchObject({ errors });
  });

  test.each([
    ["nothing", undefined, ""],
    ["half of it", "{", '{"provider":'],
    ["no JSON", "text", "hello"],
    ["a lone value", "undefined", "undefined"],
  ])("because its body is %s is not JSON", async (_what, _name, text) => {
    const { post } = service();

    expect(await post({ body: text })).toMatchObject({ status: 400, body: { code: "invalid_json" } });
  });

  test.each(["[]", "null", '"text"', "7"])("because its body is %s is pointed at as a whole", async (text) => {
    const { post } = service();

    expect(await post({ body: text })).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ pointer: "#" }] },
    });
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"])(
    "because its type is %j is refused: another site's page can send that",
    async (contentType) => {
      const { post } = service();

      expect(await post({ headers: { "Content-Type": contentType } })).toMatchObject({
        status: 415,
        body: { code: "unsupported_media_type" },
      });
    },
  );

  test("because nobody says whose it is is refused before anything else", async () => {
    const { post } = service();

    for (const noTenant of [null, ""]) {
      expect(await post({ tenantId: noTenant, body: "{" })).toMatchObject({
        status: 401,
        body: { code: "unauthorized" },
      });
    }
  });
});

describe("a request that is repeated under its key", () => {
  test("is answered as the first time, although the job has gone on, and makes no other job", async () => {
    const { life, post } = service();
    const key = newKey();
    const first = await post(key);
    life.clock.pass(60);

    const second = await post(key);

    expect(second.status).toBe(202);
    expect(second.body).toEqual(first.body);
    expect(second.headers).toEqual({ ...first.headers, "Idempotent-Replay": "true" });
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("is answered without storing anything again", async () => {
    const key = newKey();
    const { tenantId, post: postFirst } = service();
    const first = await postFirst(key);
    const create = () => Promise.reject(new Error("stored again"));
    const { post } = service({ jobs: { ...stores.jobs, create } }, tenantId);

    expect((await post(key)).body).toEqual(first.body);
  });

  test("may be written another way if it says the same", async () => {
    const { post } = service();
    const key = newKey();
    const first = await post({ ...key, body: '{"task":"x", "repo":"a/b","mode":"team","provider":"codex"}' });

    const second = await post({
      ...key,
      body: { provider: "codex", mode: "team", repo: "a/b", task: "x", options: { maxMinutes: 60 }, labels: {} },
    });

    expect(second.body).toEqual(first.body);
  });

  test("with other content is refused", async () => {
    const { life, post } = service();
    const key = newKey();
    await post(key);

    const second = await post({ ...key, body: jobRequest({ task: "Say goodbye" }) });

    expect(second).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("by another tenant is another request", async () => {
    const { post } = service();
    const key = newKey();
    const first = await post(key);

    const second = await post({ ...key, tenantId: "tenant-2" });

    expect(Job.parse(second.body).jobId).not.toBe(Job.parse(first.body).jobId);
    expect(second.headers["Idempotent-Replay"]).toBeUndefined();
  });

  test("makes one job when ten come at once, and all get the same answer", async () => {
    let milliseconds = 0;
    const { life, post } = service({ now: () => new Date(Date.parse("2026-11-22T10:00:00.000Z") + milliseconds++) });
    const key = newKey();

    const answers = await Promise.all(upTo(10).map(() => post(key)));

    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers["Idempotent-Replay"] === undefined)).toHaveLength(1);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("goes on where the first was cut off after its key was remembered, as the same job", async () => {
    const log = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const remembered: string[] = [];
    const cutOff = service({
      jobs: {
        ...stores.jobs,
        async rememberRequest(request: Parameters<typeof stores.jobs.rememberRequest>[0]) {
          remembered.push((await stores.jobs.rememberRequest(request)).jobId);
          throw new Error("cut off");
        },
      },
    });
    const key = newKey();
    expect((await cutOff.post(key)).status).toBe(500);
    log.mockRestore();
    const { life, post } = service({}, cutOff.tenantId);
    life.clock.pass(5);

    const second = await post(key);
    const third = await post(key);

    expect(Job.parse(second.body).jobId).toBe(remembered[0]);
    expect(third.body).toEqual(second.body);
    expect(life.launcher.launches).toEqual([{ jobId: remembered[0], attempt: 1, launch: 1 }]);
  });

  test.each(["", "x".repeat(256)])("needs a key of 1 to 255 characters, not %j", async (key) => {
    const { post } = service();

    expect(await post(withKey(key))).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });

  test("is no repetition without a key", async () => {
    const { life, post } = service();

    await post();
    await post();

    expect(life.launcher.launches).toHaveLength(2);
  });
});
