import { describe, expect, test } from "vitest";
import type { JobRecord } from "../../../core/job.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();
const life = new Lifecycle(stores);
const succeeded = { status: "succeeded", reason: null } as const;

describe("cancelling a job that nobody works on yet", () => {
  test.each(["accepted", "starting"] as const)("ends it at once: %s", async (how) => {
    const job = await life[how]();

    const cancelled = await cancelJob(life, job);

    expect(cancelled).toMatchObject({ status: "cancelled", reason: { code: "cancelled_by_user" } });
    expect(await life.row(job.jobId)).toMatchObject({ status: "cancelled", lastSeq: 2 });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });

  test("ends it at once while it waits for a slot, and takes none", async () => {
    const crowded = new Lifecycle(stores, 1);
    const { jobId, tenantId } = await crowded.running();
    const job = await crowded.submitted({ tenantId });

    expect(await cancelJob(crowded, job)).toMatchObject({ status: "cancelled", waiting: null });

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.slots.holders(tenantId)).toEqual([jobId]);
  });

  test("ends it at once while it waits for room, and frees its slot", async () => {
    const full = new Lifecycle(stores);
    full.launcher.hasRoomFor(0);
    const job = await full.submitted();

    expect(await cancelJob(full, job)).toMatchObject({ status: "cancelled", waiting: null });

    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });

  test("ends it at once when its runner was lost, in the attempt that was to come", async () => {
    const job = await requeueJob(life, await life.running(), "The runner's task has stopped.");
    if (job === undefined) throw new Error("not requeued");

    expect(await cancelJob(life, job)).toMatchObject({ status: "cancelled", attempt: 2 });

    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "runner_lost", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
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
    expect(await life.holdsSlot(job)).toBe(true);
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

  test("is cancelled at once when its runner is lost meanwhile", async () => {
    const seen = await life.running();
    await requeueJob(life, seen, "The runner's task has stopped.");

    expect(await cancelJob(life, seen)).toMatchObject({ status: "cancelled", attempt: 2 });
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

describe("a cancel and the natural end of the job", () => {
  test("are one end, the natural one, when it is first", async () => {
    const job = await life.running();
    await finishJob(life, job, succeeded);

    expect(await cancelJob(life, job)).toMatchObject({ status: "succeeded", cancelRequestedAt: null });

    await expectOneEnd(job);
  });

  test("are one end, the natural one, when the runner gets there before it has seen the cancel", async () => {
    const job = await life.running();
    await cancelJob(life, job);

    expect(await finishJob(life, job, succeeded)).toMatchObject({ status: "succeeded" });

    await expectOneEnd(job);
    expect((await cancelJob(life, await life.row(job.jobId))).status).toBe("succeeded");
  });

  test("are one end when they come at once, and the slot is free", async () => {
    for (const _ of upTo(10)) {
      const job = await life.running();

      await Promise.all([cancelJob(life, job), finishJob(life, job, succeeded)]);

      await expectOneEnd(job);
    }
  });

  async function expectOneEnd(job: JobRecord): Promise<void> {
    expect(await life.row(job.jobId)).toMatchObject({ status: "succeeded", reason: null, lastSeq: 2 });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  }
});

describe("a process that dies at any of its steps while it cancels", () => {
  const tenantId = "tenant-1";

  test.each([
    ["is accepted", "starting", (life: Lifecycle) => life.accepted({ tenantId })],
    ["starts", "starting", (life: Lifecycle) => life.starting({ tenantId })],
    ["waits for a slot", "queued", waitingForSlot],
    ["waits for room", "starting", waitingForRoom],
  ] as const)("a job that %s leaves it to go on, or cancelled for good", async (_how, otherwise, prepare) => {
    const deaths = await withEveryDeath(async (dieIn, calls) => {
      const mortal = new Lifecycle(inMemoryStores(), 1);
      const job = await prepare(mortal);

      await dieIn(mortal, (ports) => cancelJob(ports, job));
      await reconcileJobs(mortal);

      const status = calls === 0 ? otherwise : "cancelled";
      expect((await mortal.row(job.jobId)).status).toBe(status);
      expect(await mortal.holdsSlot(job)).toBe(status === "starting");
      expect(await mortal.isLive(job.jobId)).toBe(status !== "cancelled");
      const ends = (await mortal.history(job.jobId)).filter(({ type }) => type === "job_finished");
      expect(ends).toHaveLength(status === "cancelled" ? 1 : 0);
    });
    expect(deaths).toBe(6);
  });

  async function waitingForSlot(life: Lifecycle): Promise<JobRecord> {
    await life.running({ tenantId });
    return life.submitted({ tenantId });
  }

  async function waitingForRoom(life: Lifecycle): Promise<JobRecord> {
    life.launcher.hasRoomFor(0);
    return life.submitted({ tenantId });
  }
});
