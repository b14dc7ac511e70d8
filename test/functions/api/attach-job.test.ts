import { ulid } from "ulid";
import { beforeEach, describe, expect, test } from "vitest";
import { AttachUnavailable } from "../../../core/errors.ts";
import type { JobRecord } from "../../../core/job.ts";
import { appendEvents } from "../../../core/lifecycle/append-events.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
import type { AttachGate } from "../../../core/ports.ts";
import { attachJob } from "../../../functions/api/attach-job.ts";
import { type ApiCall, lambdaOf, tenantId } from "../../helpers/api.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const life = new Lifecycle(await testTable(), 1_000);
const own = { tenantId };

/** Lets everybody in, unless something else is to happen. */
let opened: { taskId: string; write: boolean }[] = [];
let happens: () => Promise<void> = async () => {};
const gate: AttachGate = {
  async open(taskId, { write }) {
    await happens();
    opened.push({ taskId, write });
    const sessionId = `session-${opened.length}`;
    return { sessionId, streamUrl: "wss://stream", tokenValue: "token-of-the-session", command: "plugin …" };
  },
};
beforeEach(() => {
  opened = [];
  happens = async () => {};
});

const post = lambdaOf("attachJob", attachJob({ jobs: life.jobs, events: life.events, now: life.now, gate }));
const attach = (jobId: string, call: ApiCall = { body: {} }) => post({ params: { jobId }, ...call });
const grants = async (jobId: string) => (await life.history(jobId)).filter(({ type }) => type === "attach_granted");

async function withSession(more: Partial<JobRecord> = own): Promise<JobRecord> {
  const job = await life.running(more);
  const guard = { status: ["running"], attempt: job.attempt } as const;
  return (await life.jobs.update(job.jobId, guard, { tmuxSession: `omx-${job.jobId}` })) ?? job;
}

describe("a job that runs and has its session", () => {
  test.each([
    [{}, false],
    [{ write: false }, false],
    [{ write: true }, true],
  ])("can be attached to, in the task that has it: %j", async (body, write) => {
    const { jobId, owner } = await withSession();

    const answer = await attach(jobId, { body });

    expect(answer).toMatchObject({
      status: 200,
      headers: { "Cache-Control": "no-store" },
      body: {
        command: "plugin …",
        sessionId: "session-1",
        streamUrl: "wss://stream",
        tokenValue: "token-of-the-session",
      },
    });
    expect(opened).toEqual([{ taskId: owner, write }]);
  });

  test("has each grant in its events, with who asked and for what, and without what lets in", async () => {
    const { jobId, attempt } = await withSession();
    await attach(jobId);
    await attach(jobId, { body: { write: true } });

    const found = await grants(jobId);

    expect(found).toMatchObject([
      { attempt, data: { write: false, sessionId: "session-1", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
      { attempt, data: { write: true, sessionId: "session-2" } },
    ]);
    expect(JSON.stringify(found)).not.toContain("token-of-the-session");
  });

  test("goes on writing its events after a grant that came in between", async () => {
    const { jobId, attempt } = await withSession();
    const runner = { jobId, attempt, tail: undefined };
    const event = { type: "runner_started", ts: life.now().toISOString(), data: { owner: "me" } } as const;
    await appendEvents(life.events, runner, [event]);
    await attach(jobId);
    await appendEvents(life.events, runner, [event]);

    const types = (await life.history(jobId)).map(({ type }) => type);

    expect(types.slice(-3)).toEqual(["runner_started", "attach_granted", "runner_started"]);
    expect((await life.history(jobId)).map(({ seq }) => seq)).toEqual(types.map((_, index) => index + 1));
  });

  test.each([[{ write: "yes" }], [{ read: true }], [[]]])("takes nothing else for an order: %j", async (body) => {
    const { jobId } = await withSession();

    expect(await attach(jobId, { body })).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(opened).toEqual([]);
  });
});

describe("nobody gets in", () => {
  test.each(["accepted", "starting", "running"] as const)("to a job without a session yet: %s", async (how) => {
    const { jobId, status } = await life[how](own);

    expect(await attach(jobId)).toMatchObject({
      status: 409,
      headers: { "Retry-After": "5" },
      body: { code: "no_session", retryable: true, detail: expect.stringContaining(`The job is ${status} and`) },
    });
    expect(opened).toEqual([]);
  });

  test("to a job that has ended", async () => {
    const job = await withSession();
    await finishJob(life, job, { status: "succeeded", reason: null });

    expect(await attach(job.jobId)).toMatchObject({ status: 409, body: { code: "already_ended" } });
    expect(opened).toEqual([]);
  });

  test("to another tenant's job, or one that never was", async () => {
    const { jobId } = await withSession({ tenantId: "tenant-2" });

    expect(await attach(jobId)).toMatchObject({ status: 404 });
    expect(await attach(ulid())).toMatchObject({ status: 404 });
    expect(await attach(jobId, { body: {}, tenantId: null })).toMatchObject({ status: 401 });
    expect(opened).toEqual([]);
  });

  test("where the gate cannot be passed, and the answer says where the command for oneself is", async () => {
    const { jobId } = await withSession();
    happens = async () => {
      throw new AttachUnavailable("The agent is not there.");
    };

    expect(await attach(jobId)).toMatchObject({
      status: 409,
      body: {
        code: "attach_unavailable",
        detail: expect.stringMatching(/^The agent is not there\. .*types=tmux_session_started/),
      },
    });
    expect(await grants(jobId)).toEqual([]);
  });

  test.each([
    ["ended", (job: JobRecord) => finishJob(life, job, { status: "succeeded", reason: null })],
    ["lost its runner", (job: JobRecord) => requeueJob(life, job, "It is gone.")],
  ])("without a record of it: the job has %s meanwhile", async (_, meanwhile) => {
    const job = await withSession();
    happens = async () => void (await meanwhile(job));

    expect(await attach(job.jobId)).toMatchObject({ status: 409, body: { code: "no_session" } });
    expect(await grants(job.jobId)).toEqual([]);
  });

  test("when the record cannot be stored", async () => {
    const { jobId } = await withSession();
    const events = { ...life.events, put: () => Promise.reject(new Error("no table")) };
    const call = lambdaOf("attachJob", attachJob({ jobs: life.jobs, events, now: life.now, gate }));

    const answer = await call({ params: { jobId }, body: {} });

    expect(answer).toMatchObject({ status: 500, body: { code: "internal_error" } });
    expect(JSON.stringify(answer)).not.toContain("token-of-the-session");
  });
});
