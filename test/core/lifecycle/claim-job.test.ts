import { ulid } from "ulid";
import { expect, test } from "vitest";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
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

test("A claim ends the wait for a runner, and the count of runners that did not come", async () => {
  const job = await life.starting();
  await life.jobs.update(job.jobId, { status: ["starting"] }, { waiting: "capacity", lostLaunches: 2, live: "due" });

  expect(await claimJob(life, job, claim)).toMatchObject({ waiting: null, lostLaunches: 0 });
  expect(await Array.fromAsync(life.jobs.listLive("due"))).not.toContain(job.jobId);
  expect(await Array.fromAsync(life.jobs.listLive("active"))).toContain(job.jobId);
});

test("The next attempt keeps when the job began, and has its whole time", async () => {
  const first = await life.running();
  await requeueJob(life, first, "The runner's task has stopped.");
  life.clock.pass(600);

  const claimed = await claimJob(life, { ...first, attempt: 2 }, claim);

  expect(claimed?.startedAt).toBe(first.startedAt);
  expect(Date.parse(claimed?.deadlineAt ?? "")).toBe(life.now().getTime() + claim.maxMinutes * 60_000);
});

test("A claim whose answer was lost is the same claim when it is made again", async () => {
  const job = await life.starting();
  const claimed = await claimJob(life, job, claim);
  life.clock.pass(1);

  expect(await claimJob(life, job, claim)).toEqual(claimed);
  expect(await claimJob(life, job, { ...claim, owner: "task/2" })).toBeUndefined();
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
