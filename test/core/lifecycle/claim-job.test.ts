import { ulid } from "ulid";
import { expect, test } from "vitest";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { leaseSeconds } from "../../../core/limits.ts";
import { upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const life = new Lifecycle(await testTable());
const claim = { owner: "task/1", maxMinutes: 30 };

test("A claimed job runs, for its owner, under a lease and until a deadline", async () => {
  const job = await life.starting();

  const claimed = await claimJob(life, job, claim);

  expect(claimed).toEqual({
    ...job,
    status: "running",
    owner: "task/1",
    leaseUntil: life.now().getTime() + leaseSeconds * 1_000,
    startUntil: null,
    startedAt: "2026-11-22T10:00:00.000Z",
    deadlineAt: "2026-11-22T10:30:00.000Z",
  });
  expect(await life.row(job.jobId)).toEqual(claimed);
});

test("Of twenty who claim a job at once, one gets it", async () => {
  const job = await life.starting();

  const claims = await Promise.all(
    upTo(20).map((number) => claimJob(life, job, { ...claim, owner: `task/${number}` })),
  );

  const winners = claims.filter((claimed) => claimed !== undefined);
  expect(winners).toHaveLength(1);
  expect((await life.row(job.jobId)).owner).toBe(winners[0]?.owner);
});

test("A hint of another attempt than the job's claims nothing", async () => {
  const job = await life.starting();

  expect(await claimJob(life, { ...job, attempt: 0 }, claim)).toBeUndefined();
  expect(await claimJob(life, { ...job, attempt: 2 }, claim)).toBeUndefined();
  expect(await life.row(job.jobId)).toEqual(job);
});

test("A job whose cancel was requested is not claimed", async () => {
  const job = await life.starting();
  await life.jobs.update(job.jobId, { status: ["starting"] }, { cancelRequestedAt: life.now().toISOString() });

  expect(await claimJob(life, job, claim)).toBeUndefined();
});

test.each(["queued", "running", "succeeded", "failed", "cancelled", "timed_out"] as const)(
  "A job that is %s is not there to be claimed",
  async (status) => {
    const job = await life.accepted({ status, attempt: 1 });

    expect(await claimJob(life, job, claim)).toBeUndefined();
    expect(await life.row(job.jobId)).toEqual(job);
  },
);

test("A hint of a job that does not exist claims nothing", async () => {
  expect(await claimJob(life, { jobId: ulid(), attempt: 1 }, claim)).toBeUndefined();
});
