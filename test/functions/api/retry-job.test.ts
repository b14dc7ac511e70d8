import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { Job, type JobRecord } from "../../../core/job.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { retryJob } from "../../../functions/api/retry-job.ts";
import type { SubmitPorts } from "../../../functions/submit-job.ts";
import { type ApiAnswer, lambdaOf } from "../../helpers/api.ts";
import { upTo } from "../../helpers/events.ts";
import { jobSpec } from "../../helpers/jobs.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();
const repositories = { gitBaseUrl: "https://github.com/", allowed: ["https://github.com/"] };
const failed = { status: "failed", reason: null } as const;

/** The route on the given ports, for a tenant of its own, and what it has set going. */
function service(more: Partial<SubmitPorts> = {}) {
  const life = new Lifecycle(stores, more.maximumConcurrentJobs);
  const tenantId = ulid();
  const post = lambdaOf("retryJob", retryJob({ ...life, repositories, maximumQueuedJobs: 1_000, ...more }));
  const retry = (jobId: string, headers: Record<string, string> = {}, tenant = tenantId) =>
    post({ params: { jobId }, headers, tenantId: tenant });
  return { life, tenantId, retry };
}

const jobIdOf = ({ body }: ApiAnswer) => Job.parse(body).jobId;
const newKey = () => ({ "Idempotency-Key": crypto.randomUUID() });

/** A cancelled job with this spec. */
async function endedJob(life: Lifecycle, more: Partial<JobRecord>, spec = jobSpec()): Promise<JobRecord> {
  const job = await life.accepted({ ...more, labels: spec.labels }, spec);
  return cancelJob(life, job);
}

describe("retrying a job that has ended", () => {
  test("is a new job with the same content, linked to the old one, and started", async () => {
    const { life, tenantId, retry } = service();
    const spec = jobSpec({ task: "한 번 더", ref: "main", labels: { team: "a" }, metadata: { ticket: "7" } });
    const old = await endedJob(life, { tenantId }, spec);

    const { status, headers, body } = await retry(old.jobId);

    const { jobId } = Job.parse(body);
    expect(status).toBe(202);
    const here = `https://api.example/stage/v1/jobs/${old.jobId}/retry`;
    expect(new URL(String(headers?.Location), here).pathname).toBe(`/stage/v1/jobs/${jobId}`);
    expect(jobId).not.toBe(old.jobId);
    expect(body).toMatchObject({
      ...{ status: "queued", retryOf: old.jobId, createdAt: life.now().toISOString() },
      ...{ task: "한 번 더", ref: "main", labels: { team: "a" }, metadata: { ticket: "7" } },
    });
    expect(await stores.jobs.getSpec(jobId)).toEqual({ ...spec, retryOf: old.jobId });
    expect(await life.row(jobId)).toMatchObject({ tenantId, status: "starting", attempt: 1, labels: { team: "a" } });
    expect(life.launcher.launches).toEqual([{ jobId, attempt: 1, launch: 1 }]);
  });

  test.each(["succeeded", "failed", "timed_out", "cancelled"] as const)(
    "is possible however it has ended, and changes nothing of it: %s",
    async (status) => {
      const { life, tenantId, retry } = service();
      const old = await life.ended({ status, reason: null }, { tenantId });

      expect((await retry(old.jobId)).status).toBe(202);
      expect(await life.row(old.jobId)).toEqual(old);
    },
  );

  test("is possible again for the new one, which then is the one that is linked", async () => {
    const { life, tenantId, retry } = service();
    const old = await endedJob(life, { tenantId });
    const second = jobIdOf(await retry(old.jobId));
    await cancelJob(life, await life.row(second));

    const third = await retry(second);

    expect(third.body).toMatchObject({ retryOf: second });
    expect(await stores.jobs.getSpec(jobIdOf(third))).toEqual({ ...jobSpec(), retryOf: second });
  });

  test("waits where its tenant has no slot, and is refused where too many wait", async () => {
    const { life, tenantId, retry } = service({ maximumConcurrentJobs: 1, maximumQueuedJobs: 1 });
    const old = await endedJob(life, { tenantId });
    await life.running({ tenantId });

    const waits = await retry(old.jobId);
    const refused = await retry(old.jobId);

    expect(await life.row(jobIdOf(waits))).toMatchObject({ status: "queued", waiting: "tenant_limit" });
    expect(refused).toMatchObject({ status: 429, headers: { "Retry-After": "30" }, body: { code: "quota_exceeded" } });
  });

  test("is refused where this deployment admits its repository no longer", async () => {
    const { life, tenantId, retry } = service({ repositories: { ...repositories, allowed: ["https://git.example/"] } });
    const old = await endedJob(life, { tenantId }, jobSpec({ repo: "https://github.com/owner/name" }));

    expect(await retry(old.jobId)).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ pointer: "#/repo" }] },
    });
    expect(life.launcher.launches).toEqual([]);
  });

  test("goes to where its repository is now", async () => {
    const moved = { gitBaseUrl: "https://git.example/", allowed: ["https://git.example/"] };
    const { life, tenantId, retry } = service({ repositories: moved });
    const old = await endedJob(life, { tenantId });

    const { body } = await retry(old.jobId);

    const spec = await stores.jobs.getSpec(Job.parse(body).jobId);
    expect(spec?.repositoryUrl).toBe("https://git.example/owner/name");
  });
});

describe("retrying a job that has not ended", () => {
  test.each(["accepted", "starting", "running"] as const)("is refused, and the job goes on: %s", async (how) => {
    const { life, tenantId, retry } = service();
    const job = await life[how]({ tenantId });

    const { status, body } = await retry(job.jobId, newKey());

    expect(status).toBe(409);
    expect(body).toMatchObject({
      ...{ code: "not_ended", retryable: true },
      detail: `The job is ${job.status}. Wait for its end, or cancel it, and retry it then.`,
    });
    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("is possible under the same key once it has", async () => {
    const { life, tenantId, retry } = service();
    const job = await life.running({ tenantId });
    const key = newKey();
    expect((await retry(job.jobId, key)).status).toBe(409);
    await life.jobs.update(job.jobId, { status: ["running"] }, { status: "failed" });

    expect((await retry(job.jobId, key)).status).toBe(202);
  });
});

describe("a retry that is repeated under its key", () => {
  test("is answered as the first time, and makes no other job", async () => {
    const { life, tenantId, retry } = service();
    const { jobId } = await life.ended(failed, { tenantId });
    const key = newKey();
    const first = await retry(jobId, key);
    life.clock.pass(60);

    const again = await retry(jobId, key);

    expect(again).toEqual({ ...first, headers: { ...first.headers, "Idempotent-Replay": "true" } });
    expect(life.launcher.launches).toHaveLength(2);
  });

  test("makes one job when ten come at once", async () => {
    const { life, tenantId, retry } = service();
    const { jobId } = await life.ended(failed, { tenantId });
    const key = newKey();

    const answers = await Promise.all(upTo(10).map(() => retry(jobId, key)));

    expect(new Set(answers.map(jobIdOf)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers["Idempotent-Replay"] === undefined)).toHaveLength(1);
  });

  test("for another job is refused", async () => {
    const { life, tenantId, retry } = service();
    const [one, other] = [await life.ended(failed, { tenantId }), await life.ended(failed, { tenantId })];
    const key = newKey();
    await retry(one.jobId, key);

    expect(await retry(other.jobId, key)).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
  });

  test("without a key is another job each time", async () => {
    const { life, tenantId, retry } = service();
    const { jobId } = await life.ended(failed, { tenantId });

    expect(jobIdOf(await retry(jobId))).not.toBe(jobIdOf(await retry(jobId)));
  });
});

describe("a job that is not there to be retried", () => {
  test("is one that never was, what is no ULID, and one of another tenant", async () => {
    const { life, retry } = service();
    const { jobId } = await life.ended(failed, { tenantId: ulid() });

    for (const id of [ulid(), "1", jobId]) {
      expect(await retry(id)).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("is told so to nobody without a tenant", async () => {
    const { life, tenantId } = service();
    const { jobId } = await life.ended(failed, { tenantId });
    const post = lambdaOf("retryJob", retryJob({ ...life, repositories, maximumQueuedJobs: 1 }));

    expect(await post({ params: { jobId }, tenantId: null })).toMatchObject({ status: 401 });
  });
});
