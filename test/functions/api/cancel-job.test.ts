import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { cancelJob } from "../../../functions/api/cancel-job.ts";
import { lambdaOf, tenantId } from "../../helpers/api.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

/** With slots for all jobs of this file: they are one tenant's. */
const life = new Lifecycle(await testTable(), 1_000);
const post = lambdaOf("cancelJob", cancelJob(life));
const cancel = (jobId: string, headers: Record<string, string> = {}) => post({ params: { jobId }, headers });
const own = { tenantId };

describe("cancelling", () => {
  test.each(["accepted", "starting"] as const)("a job that nobody works on ends it: %s", async (how) => {
    const { jobId } = await life[how](own);

    expect(await cancel(jobId)).toMatchObject({
      status: 202,
      body: { jobId, status: "cancelled", reason: { code: "cancelled_by_user" }, verified: false },
    });
    expect(await life.isLive(jobId)).toBe(false);
  });

  test("a job that waits for a slot ends it, and no slot is taken for it", async () => {
    const narrow = new Lifecycle(life, 1);
    const tenant = ulid();
    const running = await narrow.running({ tenantId: tenant });
    const { jobId } = await narrow.submitted({ tenantId: tenant });

    const { body } = await post({ params: { jobId }, tenantId: tenant });

    expect(body).toMatchObject({ status: "cancelled", waiting: null });
    expect(await narrow.isLive(jobId)).toBe(false);
    expect(await narrow.slots.holders(tenant)).toEqual([running.jobId]);
  });

  test("a job that waits for room for a runner ends it, and its slot is free", async () => {
    const full = new Lifecycle(life);
    full.launcher.hasRoomFor(0);
    const tenant = ulid();
    const { jobId, waiting } = await full.submitted({ tenantId: tenant });
    expect(waiting).toBe("capacity");

    const { body } = await post({ params: { jobId }, tenantId: tenant });

    expect(body).toMatchObject({ status: "cancelled", waiting: null });
    expect(await full.isLive(jobId)).toBe(false);
    expect(await full.slots.holders(tenant)).toEqual([]);
  });

  test("a running job asks its runner to end it", async () => {
    const { jobId } = await life.running(own);

    expect(await cancel(jobId)).toMatchObject({ status: 202, body: { status: "running", reason: null } });
    expect((await life.row(jobId)).cancelRequestedAt).toBe(life.now().toISOString());
  });

  test.each(["accepted", "starting", "running"] as const)("twice is the same as once: %s", async (how) => {
    const { jobId } = await life[how](own);

    const first = await cancel(jobId);
    const second = await cancel(jobId);

    expect(second).toEqual(first);
  });

  test("a job that was cancelled is answered as it is", async () => {
    const { jobId } = await life.ended({ status: "cancelled", reason: null }, own);

    expect(await cancel(jobId)).toMatchObject({ status: 202, body: { status: "cancelled" } });
  });

  test.each(["succeeded", "failed", "timed_out"] as const)(
    "a job that has ended on its own is refused: %s",
    async (status) => {
      const { jobId } = await life.ended({ status, reason: null }, own);

      expect(await cancel(jobId)).toMatchObject({
        status: 409,
        body: { code: "already_ended", detail: `The job has ended as ${status}; there is nothing to cancel.` },
      });
      expect((await life.row(jobId)).status).toBe(status);
    },
  );

  test("a job that ended on its own although it was to be cancelled is answered as it ended", async () => {
    const { jobId } = await life.running(own);
    await cancel(jobId);
    await finishJob(life, await life.row(jobId), { status: "succeeded", reason: null });

    expect(await cancel(jobId)).toMatchObject({ status: 202, body: { status: "succeeded" } });
  });
});

describe("a cancel that is repeated under its key", () => {
  test("is answered again, and says that it is a repetition", async () => {
    const { jobId } = await life.accepted(own);
    const key = { "Idempotency-Key": crypto.randomUUID() };

    const first = await cancel(jobId, key);
    const second = await cancel(jobId, key);

    expect(first.headers["Idempotent-Replay"]).toBeUndefined();
    expect(second.headers["Idempotent-Replay"]).toBe("true");
    expect(second.body).toEqual(first.body);
  });

  test("stays refused if it was refused", async () => {
    const { jobId } = await life.ended({ status: "failed", reason: null }, own);
    const key = { "Idempotency-Key": crypto.randomUUID() };

    expect((await cancel(jobId, key)).status).toBe(409);
    expect((await cancel(jobId, key)).status).toBe(409);
  });

  test("for another job is refused", async () => {
    const [one, other] = [await life.accepted(own), await life.accepted(own)];
    const key = { "Idempotency-Key": crypto.randomUUID() };
    await cancel(one.jobId, key);

    expect(await cancel(other.jobId, key)).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
    expect((await life.row(other.jobId)).status).toBe("queued");
  });

  test.each(["", "x".repeat(256)])("needs a key of 1 to 255 characters, not %j", async (key) => {
    const { jobId } = await life.accepted(own);

    expect(await cancel(jobId, { "Idempotency-Key": key })).toMatchObject({ status: 400 });
    expect((await life.row(jobId)).status).toBe("queued");
  });
});

describe("a job that is not there to be cancelled", () => {
  test("is one that never was, and one of another tenant, which goes on", async () => {
    const { jobId } = await life.accepted({ tenantId: "tenant-2" });

    expect(await cancel(ulid())).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await cancel(jobId)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await life.row(jobId)).status).toBe("queued");
  });

  test("is what is no ULID", async () => {
    expect(await cancel("1")).toMatchObject({ status: 404 });
  });
});

test("Nobody cancels without a tenant", async () => {
  const { jobId } = await life.accepted(own);

  expect(await post({ params: { jobId }, tenantId: null })).toMatchObject({ status: 401 });
  expect((await life.row(jobId)).status).toBe("queued");
});
