import { describe, expect, test } from "vitest";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const life = new Lifecycle(await testTable());

describe("cancelling a job that nobody works on yet", () => {
  test.each(["accepted", "starting"] as const)("ends it at once: %s", async (how) => {
    const job = await life[how]();

    const cancelled = await cancelJob(life, job);

    expect(cancelled).toMatchObject({ status: "cancelled", reason: { code: "cancelled_by_user" } });
    expect(await life.row(job.jobId)).toMatchObject({ status: "cancelled", lastSeq: 2 });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
  });

  test("leaves nothing to claim", async () => {
    const job = await life.starting();
    await cancelJob(life, job);

    expect(await claimJob(life, job, { owner: "task/1", maxMinutes: 1 })).toBeUndefined();
  });
});

describe("cancelling a running job", () => {
  test("sets the flag that its runner looks at, and leaves the end to it", async () => {
    const job = await life.running();

    const answer = await cancelJob(life, job);

    expect(answer).toEqual({ ...job, cancelRequestedAt: life.now().toISOString() });
    expect(await life.row(job.jobId)).toEqual(answer);
  });

  test("a second time keeps the time of the first", async () => {
    const job = await life.running();
    const first = await cancelJob(life, job);
    life.clock.pass(5);

    expect(await cancelJob(life, await life.row(job.jobId))).toEqual(first);
    expect(await life.row(job.jobId)).toEqual(first);
  });
});

test.each(["succeeded", "failed", "cancelled", "timed_out"] as const)(
  "A job that is %s is answered as it is, and stays so",
  async (status) => {
    const job = await life.ended({ status, reason: null });

    expect(await cancelJob(life, job)).toEqual(job);
    expect(await life.row(job.jobId)).toEqual(job);
  },
);

describe("a job that moves on between the look and the cancel", () => {
  test("is cancelled as the running job that it has become", async () => {
    const seen = await life.starting();
    await claimJob(life, seen, { owner: "task/1", maxMinutes: 1 });

    expect(await cancelJob(life, seen)).toMatchObject({
      status: "running",
      cancelRequestedAt: life.now().toISOString(),
    });
  });

  test("is answered as the ended job that it has become", async () => {
    const seen = await life.running();
    await finishJob(life, seen, { status: "succeeded", reason: null });

    expect(await cancelJob(life, seen)).toMatchObject({ status: "succeeded", cancelRequestedAt: null });
  });

  test("is either cancelled or claimed, never both and never neither, whoever is first", async () => {
    for (const _ of upTo(10)) {
      const job = await life.starting();

      const [cancelled, claimed] = await Promise.all([
        cancelJob(life, job),
        claimJob(life, job, { owner: "task/1", maxMinutes: 1 }),
      ]);

      const row = await life.row(job.jobId);
      if (claimed) expect(row).toMatchObject({ status: "running", cancelRequestedAt: cancelled.cancelRequestedAt });
      else expect(row.status).toBe("cancelled");
    }
  });
});
