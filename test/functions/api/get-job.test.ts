import { ulid } from "ulid";
import { expect, test } from "vitest";
import { toJob } from "../../../core/job.ts";
import { getJob } from "../../../functions/api/get-job.ts";
import { lambdaOf, tenantId } from "../../helpers/api.ts";
import { jobSpec } from "../../helpers/jobs.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

/** With slots for all jobs of this file: they are one tenant's. */
const life = new Lifecycle(await testTable(), 1_000);
const get = lambdaOf("getJob", getJob(life));

test.each(["accepted", "starting", "running"] as const)("A job is shown as it stands: %s", async (how) => {
  const job = await life[how]({ tenantId });

  const { status, body } = await get({ params: { jobId: job.jobId } });

  expect(status).toBe(200);
  expect(body).toEqual(toJob(job, jobSpec()));
});

test("An ended job is shown with how it ended", async () => {
  const verdict = { schema: 1, verdict: "pass", summary: "ok" } as const;
  const { jobId } = await life.ended({ status: "succeeded", reason: null, verdict }, { tenantId });

  expect(await get({ params: { jobId } })).toMatchObject({
    status: 200,
    body: { status: "succeeded", verified: true, verdict, reason: null, endedAt: life.now().toISOString() },
  });
});

test("Another tenant's job is as absent as one that never was", async () => {
  const { jobId: othersId } = await life.accepted({ tenantId: "tenant-2" });
  const neverId = ulid();

  const others = await get({ params: { jobId: othersId } });
  const never = await get({ params: { jobId: neverId } });

  expect(others).toMatchObject({ status: 404, body: { code: "not_found", instance: `/v1/jobs/${othersId}` } });
  expect(
    JSON.stringify(others.body)
      .replaceAll(othersId, "ID")
      .replace(/"requestId":"[^"]*"/, ""),
  ).toBe(
    JSON.stringify(never.body)
      .replaceAll(neverId, "ID")
      .replace(/"requestId":"[^"]*"/, ""),
  );
});

test.each(["1", "01kb3q9m6y8z4v5n7t2r1c0d9e", "%2e%2e", "01KB3Q9M6Y8Z4V5N7T2R1C0D9E#", "JOB#x"])(
  "What is no ULID is no job: %s",
  async (jobId) => {
    expect(await get({ params: { jobId } })).toMatchObject({ status: 404, body: { code: "not_found" } });
  },
);

test("Nobody is told anything without a tenant, not even that a job is absent", async () => {
  const { jobId } = await life.accepted({ tenantId: "" });

  for (const id of [jobId, "1"]) {
    expect(await get({ params: { jobId: id }, tenantId: null })).toMatchObject({ status: 401 });
    expect(await get({ params: { jobId: id }, tenantId: "" })).toMatchObject({ status: 401 });
  }
});
