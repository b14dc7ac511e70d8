import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { NewerSchema } from "../../../core/errors.ts";
import type { JobRecord } from "../../../core/job.ts";
import { acceptJob } from "../../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../../core/lifecycle/admit-jobs.ts";
import { advanceWaiting } from "../../../core/lifecycle/advance-waiting.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import type { StartPorts } from "../../../core/lifecycle/lifecycle-ports.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { launchSettleSeconds } from "../../../core/limits.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { jobSpec, queuedJob } from "../../helpers/jobs.ts";
import { Lifecycle, orderedIds } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = [["in memory", inMemoryStores()] as const, ["on the table", await testTable()] as const];
const succeeded = { status: "succeeded", reason: null } as const;
const newTenant = () => `tenant-${ulid()}`;

async function submitted(life: Lifecycle, tenantId: string, count: number): Promise<JobRecord[]> {
  const jobs: JobRecord[] = [];
  for (const jobId of orderedIds(count)) jobs.push(await life.submitted({ jobId, tenantId }));
  return jobs;
}

describe.each(stores)("admission %s", (_where, store) => {
  test("starts as many of a tenant's jobs as may run at once; the others wait, and say so", async () => {
    const life = new Lifecycle(store, 3);
    const tenantId = newTenant();

    const jobs = await submitted(life, tenantId, 5);

    expect(jobs.map(({ status, waiting }) => [status, waiting])).toEqual([
      ...Array(3).fill(["starting", null]),
      ...Array(2).fill(["queued", "tenant_limit"]),
    ]);
    const admitted = jobs.slice(0, 3).map(({ jobId }) => jobId);
    expect((await life.slots.holders(tenantId)).toSorted()).toEqual(admitted);
    expect(life.launcher.launches).toEqual(admitted.map((jobId) => ({ jobId, attempt: 1, launch: 1 })));
    expect(life.queue.sent).toEqual(admitted.map((jobId) => ({ jobId, attempt: 1 })));
    for (const { jobId } of jobs.slice(3)) {
      const history = await life.history(jobId);
      expect(texts(history)).toEqual(["job_queued", "job_waiting"]);
      expect(history[1]).toMatchObject({ seq: 2, attempt: 0, data: { reason: "tenant_limit" } });
      expect(await life.isLive(jobId)).toBe(true);
    }
  });

  test("says that a job waits once, however often and by how many at once it is looked at", async () => {
    const life = new Lifecycle(store, 1);
    const { tenantId } = await life.running();
    const job = await life.accepted({ tenantId });

    await Promise.all(upTo(5).map(() => admitJobs(life, tenantId, job)));
    await admitJobs(life, tenantId, await life.row(job.jobId));
    await advanceWaiting(life);

    expect(await life.row(job.jobId)).toEqual({ ...job, waiting: "tenant_limit" });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
  });

  test("starts the oldest that waits as soon as one has ended, and only that one", async () => {
    const life = new Lifecycle(store, 2);
    const tenantId = newTenant();
    const [first, , third, fourth, fifth] = await submitted(life, tenantId, 5);
    if (!first || !third || !fourth || !fifth) throw new Error("jobs are missing");
    await finishJob(life, await life.claimed(first), succeeded);

    await advanceWaiting(life);

    expect(await life.rows([third.jobId, fourth.jobId, fifth.jobId])).toMatchObject([
      { status: "starting", waiting: null, attempt: 1, startingSince: life.now().toISOString() },
      { status: "queued", waiting: "tenant_limit" },
      { status: "queued", waiting: "tenant_limit" },
    ]);
    expect(await life.slots.holders(tenantId)).toHaveLength(2);
  });

  test("lets a new job not pass those that wait already", async () => {
    const life = new Lifecycle(store, 1);
    const tenantId = newTenant();
    const [first, second] = await submitted(life, tenantId, 2);
    if (!first || !second) throw new Error("jobs are missing");
    await finishJob(life, await life.claimed(first), succeeded);

    const newest = await life.submitted({ tenantId });

    expect(newest).toMatchObject({ status: "queued", waiting: "tenant_limit" });
    expect((await life.row(second.jobId)).status).toBe("starting");
  });

  test("of one tenant does not delay another's", async () => {
    const life = new Lifecycle(store, 1);
    await submitted(life, newTenant(), 4);

    expect((await life.submitted()).status).toBe("starting");
  });

  test("by fifty at once starts exactly as many as may run", async () => {
    const life = new Lifecycle(store, 7);
    const tenantId = newTenant();
    const jobs = await Promise.all(upTo(50).map(() => life.submitted({ tenantId })));

    const rows = await life.rows(jobs.map(({ jobId }) => jobId));
    const started = rows.filter(({ status }) => status === "starting").map(({ jobId }) => jobId);
    expect(started).toHaveLength(7);
    expect((await life.slots.holders(tenantId)).toSorted()).toEqual(started.toSorted());
    expect(life.launcher.launches.map(({ jobId }) => jobId).toSorted()).toEqual(started.toSorted());
    expect(rows.filter(({ waiting }) => waiting === "tenant_limit")).toHaveLength(43);
  });

  test("of the same job again, and by many at once, gives it one slot and one start", async () => {
    const life = new Lifecycle(store, 5);
    const job = await life.accepted();

    await Promise.all(upTo(10).map(() => admitJobs(life, job.tenantId, job)));
    await admitJobs(life, job.tenantId, job);

    expect(await life.slots.holders(job.tenantId)).toEqual([job.jobId]);
    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1, launch: 1 }]);
    expect((await life.row(job.jobId)).attempt).toBe(1);
  });

  test("by many at once of what waits, each time one has ended, never lets too many run", async () => {
    const life = new Lifecycle(store, 2);
    const tenantId = newTenant();
    const jobs = await submitted(life, tenantId, 8);
    for (const { jobId } of jobs) {
      await finishJob(life, await life.claimed(await life.row(jobId)), succeeded);
      await Promise.all(upTo(4).map(() => admitJobs(life, tenantId)));
      expect((await life.slots.holders(tenantId)).length).toBeLessThanOrEqual(2);
    }

    expect(life.launcher.launches.map(({ jobId }) => jobId)).toEqual(jobs.map(({ jobId }) => jobId));
    expect(await life.slots.holders(tenantId)).toEqual([]);
  });

  test("never starts a job that was cancelled while it waited, and no slot comes free by it", async () => {
    const life = new Lifecycle(store, 1);
    const tenantId = newTenant();
    const [first, second, third] = await submitted(life, tenantId, 3);
    if (!first || !second || !third) throw new Error("jobs are missing");

    expect(await cancelJob(life, second)).toMatchObject({ status: "cancelled", waiting: null });

    expect(await life.slots.holders(tenantId)).toEqual([first.jobId]);
    await finishJob(life, await life.claimed(first), succeeded);
    await advanceWaiting(life);
    expect(life.launcher.launches.map(({ jobId }) => jobId)).toEqual([first.jobId, third.jobId]);
    expect(texts(await life.history(second.jobId))).toEqual(["job_queued", "job_waiting", "job_finished"]);
  });

  test("of a job that has ended already does not make it wait", async () => {
    const life = new Lifecycle(store, 1);
    const { tenantId } = await life.running();
    const job = await life.accepted({ tenantId });
    await cancelJob(life, job);
    const ended = await life.row(job.jobId);

    await admitJobs(life, tenantId, job);

    expect(await life.row(job.jobId)).toEqual(ended);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_finished"]);
  });

  test("of a job that is seen to wait meanwhile starts it in its turn, not behind younger ones", async () => {
    const life = new Lifecycle(store, 1);
    const tenantId = newTenant();
    const [first, second, third] = await submitted(life, tenantId, 3);
    if (!first || !second || !third) throw new Error("jobs are missing");
    await finishJob(life, await life.claimed(first), succeeded);

    await admitJobs(life, tenantId, { ...second, waiting: null });

    expect(await life.slots.holders(tenantId)).toEqual([second.jobId]);
    expect((await life.row(third.jobId)).status).toBe("queued");
  });

  test("of a job that ends between being listed and getting its slot gives the slot to the next", async () => {
    const life = new Lifecycle(store, 1);
    const tenantId = newTenant();
    const [first, second, third] = await submitted(life, tenantId, 3);
    if (!first || !second || !third) throw new Error("jobs are missing");
    await finishJob(life, await life.claimed(first), succeeded);

    await admitJobs({ ...life, slots: takenAfter(life, () => cancelJob(life, second)) }, tenantId);

    expect(await life.slots.holders(tenantId)).toEqual([third.jobId]);
    expect(life.launcher.launches.map(({ jobId }) => jobId)).toEqual([first.jobId, third.jobId]);
  });

  test("of a new job that ends before it gets its slot leaves the slot free", async () => {
    const life = new Lifecycle(store, 1);
    const job = await life.accepted();

    await admitJobs({ ...life, slots: takenAfter(life, () => cancelJob(life, job)) }, job.tenantId, job);

    expect(await life.slots.holders(job.tenantId)).toEqual([]);
    expect(life.launcher.launches).toEqual([]);
  });
});

test("A waiting job that only a later version can read gets no slot, and does not hold up those behind it", async () => {
  const life = new Lifecycle(inMemoryStores(), 2);
  const tenantId = newTenant();
  const [first, second, newer, fourth] = await submitted(life, tenantId, 4);
  if (!first || !second || !newer || !fourth) throw new Error("jobs are missing");
  const get = (jobId: string) =>
    jobId === newer.jobId ? Promise.reject(new NewerSchema("schema 2")) : life.jobs.get(jobId);
  for (const job of [first, second]) await finishJob(life, await life.claimed(job), succeeded);

  await admitJobs({ ...life, jobs: { ...life.jobs, get } }, tenantId);

  expect(await life.slots.holders(tenantId)).toEqual([fourth.jobId]);
  expect((await life.row(fourth.jobId)).status).toBe("starting");
  expect(await life.row(newer.jobId)).toEqual(newer);
});

/** The slots; before the first is taken, something happens. */
function takenAfter({ slots }: Lifecycle, happen: () => Promise<unknown>): StartPorts["slots"] {
  let hasHappened = false;
  return {
    ...slots,
    async take(tenantId, jobId, maximum) {
      if (!hasHappened) await happen();
      hasHappened = true;
      return slots.take(tenantId, jobId, maximum);
    },
  };
}

describe("a process that dies at any of its steps", () => {
  test("while it accepts and admits a job leaves none, or one that starts once", async () => {
    const deaths = await withEveryDeath(async (dieIn) => {
      const life = new Lifecycle(inMemoryStores(), 1);
      const job = queuedJob();

      await dieIn(life, async (ports) => {
        await acceptJob(ports, job, jobSpec());
        await admitJobs(ports, job.tenantId, job);
      });
      life.clock.pass(launchSettleSeconds);
      await reconcileJobs(life);

      const isAccepted = (await life.jobs.get(job.jobId)) !== undefined;
      expect(await life.slots.holders(job.tenantId)).toEqual(isAccepted ? [job.jobId] : []);
      expect(await life.launcher.listAlive()).toHaveLength(isAccepted ? 1 : 0);
      if (!isAccepted) return;
      expect(life.queue.sent).toContainEqual({ jobId: job.jobId, attempt: 1 });
      expect(await life.claimed(await life.row(job.jobId))).toMatchObject({ status: "running", attempt: 1 });
      expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);
    });
    expect(deaths).toBe(6);
  });

  test("while it lets a job wait leaves one that waits, has said so once, and starts in its turn", async () => {
    const deaths = await withEveryDeath(async (dieIn) => {
      const life = new Lifecycle(inMemoryStores(), 1);
      const first = await life.running();
      const job = await life.accepted({ tenantId: first.tenantId });

      await dieIn(life, (ports) => admitJobs(ports, job.tenantId, job));
      await reconcileJobs(life);

      expect(await life.row(job.jobId)).toEqual({ ...job, waiting: "tenant_limit" });
      expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
      await finishJob(life, first, succeeded);
      await advanceWaiting(life);
      expect((await life.row(job.jobId)).status).toBe("starting");
      expect(await life.slots.holders(job.tenantId)).toEqual([job.jobId]);
    });
    expect(deaths).toBeGreaterThan(2);
  });

  test("while it lets a waiting job go on leaves one that starts once", async () => {
    const deaths = await withEveryDeath(async (dieIn) => {
      const life = new Lifecycle(inMemoryStores(), 1);
      const first = await life.running();
      const { jobId, tenantId } = await life.submitted({ tenantId: first.tenantId });
      await finishJob(life, first, succeeded);
      life.launcher.end(first.owner ?? "");

      await dieIn(life, (ports) => admitJobs(ports, tenantId));
      life.clock.pass(launchSettleSeconds);
      await reconcileJobs(life);

      expect(await life.slots.holders(tenantId)).toEqual([jobId]);
      expect(await life.launcher.listAlive()).toHaveLength(1);
      expect(life.queue.sent).toContainEqual({ jobId, attempt: 1 });
    });
    expect(deaths).toBe(5);
  });
});

test("A submission starts no more than a few of a backlog before it is answered; reconcile starts the rest", async () => {
  const stores = inMemoryStores();
  const tenantId = newTenant();
  const held = await submitted(new Lifecycle(stores, 1), tenantId, 6);
  const life = new Lifecycle(stores, 10);

  const newest = await life.submitted({ tenantId });

  const statuses = async () => (await life.rows(held.map(({ jobId }) => jobId))).map(({ status }) => status);
  expect(newest).toMatchObject({ status: "queued", waiting: "tenant_limit" });
  expect(await statuses()).toEqual(["starting", "starting", "starting", "queued", "queued", "queued"]);
  await advanceWaiting(life);
  expect(await statuses()).toEqual(Array(6).fill("starting"));
});
