import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { NewerSchema } from "../../../core/errors.ts";
import { isTerminal, type JobRecord } from "../../../core/job.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import {
  launchSettleSeconds,
  leaseSeconds,
  maximumAttempts,
  maximumCapacityWaitHours,
  orphanSeconds,
  reconcileConcurrency,
  reconcileSeconds,
  startSeconds,
} from "../../../core/limits.ts";
import { withEveryDeath } from "../../fakes/dying-ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { seqs, texts, upTo } from "../../helpers/events.ts";
import { Lifecycle, orderedIds } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const stores = await testTable();
const succeeded = { status: "succeeded", reason: null } as const;

/** A life of its own on the shared table: what other tests have left is settled first. */
async function newLife(maximumConcurrentJobs?: number): Promise<Lifecycle> {
  const life = new Lifecycle(stores, maximumConcurrentJobs);
  const tenants = await Array.fromAsync(stores.jobs.listWaitingTenants());
  const places = [stores.jobs.listLive("active"), stores.jobs.listLive("due"), ...tenants.map(stores.jobs.listWaiting)];
  for (const jobId of (await Promise.all(places.map((place) => Array.fromAsync(place)))).flat()) {
    const { status } = await life.row(jobId);
    await stores.jobs.update(jobId, { status: [status] }, { settled: true, lastSeq: 0 });
  }
  for await (const tenantId of stores.slots.listTenants()) {
    for (const jobId of await stores.slots.holders(tenantId)) await stores.slots.release(tenantId, jobId);
  }
  return life;
}

describe("a queued job", () => {
  test("whose start was forgotten is started", async () => {
    const life = await newLife();
    const job = await life.accepted();

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1 });
    expect(life.queue.sent).toEqual([{ jobId: job.jobId, attempt: 1 }]);
    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1, launch: 1 }]);
    expect(await life.holdsSlot(job)).toBe(true);
  });

  test("whose start was forgotten waits when its tenant has no slot free, and says so once", async () => {
    const life = await newLife(1);
    const { tenantId } = await life.running();
    const job = await life.accepted({ tenantId });

    for (const _ of upTo(3)) await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual({ ...job, waiting: "tenant_limit" });
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "job_waiting"]);
  });

  test("that waits goes on in the run that settles the one before it", async () => {
    const life = await newLife(1);
    const running = await life.running();
    const waiting = await life.submitted({ tenantId: running.tenantId });
    await life.jobs.update(running.jobId, { status: ["running"] }, { status: "failed" });

    await reconcileJobs(life);

    expect((await life.row(running.jobId)).lastSeq).toBe(2);
    expect((await life.row(waiting.jobId)).status).toBe("starting");
    expect(await life.slots.holders(waiting.tenantId)).toEqual([waiting.jobId]);
  });

  test("that was given a slot by somebody who then died starts all the same, also when others wait", async () => {
    const life = await newLife(1);
    const { tenantId, ...running } = await life.running();
    const waiting = await life.submitted({ tenantId });
    const job = await life.accepted({ tenantId });
    await life.slots.release(tenantId, running.jobId);
    await life.slots.take(tenantId, job.jobId, 1);

    for (const _ of upTo(2)) await reconcileJobs(life);

    expect((await life.row(job.jobId)).status).toBe("starting");
    expect((await life.row(waiting.jobId)).status).toBe("queued");
  });
});

describe("a starting job", () => {
  test("whose runner is on its way is left alone, however often one looks", async () => {
    const life = await newLife();
    const job = await life.starting();

    for (const seconds of [0, launchSettleSeconds, startSeconds - launchSettleSeconds - 1]) {
      life.clock.pass(seconds);
      await reconcileJobs(life);
    }

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.launches).toHaveLength(1);
  });

  test("whose runner is gone is left alone for as long as ECS may not have listed it yet", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds - 1);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("whose runner is gone is launched again", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "starting",
      attempt: 1,
      launches: 2,
      startUntil: life.now().getTime() + startSeconds * 1_000,
    });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 1, launch: 2 });
  });

  test("whose runner is known to be gone is launched again at once", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));

    await reconcileJobs(life, { jobId: job.jobId, launch: 1 });

    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 1, launch: 2 });
  });

  test("that was never launched, a crash having come between, is launched", async () => {
    const life = await newLife();
    const job = await life.accepted();
    const startUntil = life.now().getTime() + startSeconds * 1_000;
    const row = { status: "starting", attempt: 1, launches: 1, startUntil } as const;
    await life.jobs.update(job.jobId, { status: ["queued"] }, row);
    life.clock.pass(launchSettleSeconds);

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, launches: 2 });
    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1, launch: 2 }]);
  });

  test("whose runner takes longer than it may is launched again", async () => {
    const life = await newLife();
    const job = await life.starting();
    life.clock.pass(startSeconds);

    await reconcileJobs(life);

    expect((await life.row(job.jobId)).launches).toBe(2);
  });

  test("has failed when its third runner is gone too", async () => {
    const life = await newLife();
    const { jobId } = await life.starting();
    for (const _ of upTo(3)) {
      life.launcher.end(life.launcher.taskOf({ jobId, attempt: 1 }));
      life.clock.pass(launchSettleSeconds);
      await reconcileJobs(life);
    }

    expect(life.launcher.launches).toHaveLength(3);
    expect(await life.row(jobId)).toMatchObject({
      status: "failed",
      attempt: 1,
      reason: { code: "runner_never_started" },
      lastSeq: 2,
    });
    expect(await life.isLive(jobId)).toBe(false);
  });
});

describe("a running job", () => {
  test("whose runner is lost is started again in the same run, as the next attempt", async () => {
    const life = await newLife();
    const job = await life.running();
    life.launcher.end(job.owner ?? "");

    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({
      status: "starting",
      attempt: 2,
      launches: 2,
      startUntil: life.now().getTime() + startSeconds * 1_000,
    });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 2, launch: 2 });
    expect(life.queue.sent.at(-1)).toEqual({ jobId: job.jobId, attempt: 2 });
    expect(await life.holdsSlot(job)).toBe(true);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued", "runner_lost"]);
  });

  test("that loses every runner has failed after the last attempt", async () => {
    const life = await newLife();
    const { jobId, tenantId } = await life.starting();
    for (const attempt of upTo(maximumAttempts)) {
      const job = await life.claimed(await life.row(jobId));
      expect(job.attempt).toBe(attempt);
      life.clock.pass(leaseSeconds + 1);
      await reconcileJobs(life);
    }

    expect(await life.row(jobId)).toMatchObject({ status: "failed", attempt: 3, reason: { code: "runner_lost" } });
    expect(await life.isLive(jobId)).toBe(false);
    expect(await life.slots.holders(tenantId)).toEqual([]);
    const history = await life.history(jobId);
    expect(texts(history)).toEqual(["job_queued", "runner_lost", "runner_lost", "runner_lost", "job_finished"]);
    expect(seqs(history)).toEqual(upTo(5));
  });
});

describe("an ended job", () => {
  test("that was not settled is settled, and its slot is free", async () => {
    const life = await newLife();
    const job = await life.running();
    await life.jobs.update(job.jobId, { status: ["running"] }, { status: "cancelled" });

    await reconcileJobs(life);

    expect((await life.row(job.jobId)).lastSeq).toBe(2);
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });
});

describe("runners that work on nothing", () => {
  /** A job that is cancelled leaves its runner with none. */
  async function withOrphan(): Promise<{ life: Lifecycle; taskId: string }> {
    const life = await newLife();
    const job = await life.starting();
    await cancelJob(life, job);
    life.clock.pass(orphanSeconds + 1);
    return { life, taskId: life.launcher.taskOf(job) };
  }

  test("are stopped", async () => {
    const { life, taskId } = await withOrphan();

    expect(await reconcileJobs(life)).toMatchObject({ runners: 1, orphansStopped: 1 });

    expect(life.launcher.stops).toEqual([{ taskId, why: "It works on no job." }]);
  });

  test("are left alone when a job could not be read: they may work on that one", async () => {
    const { life } = await withOrphan();
    const unreadable = await life.running();
    const get = (jobId: string) =>
      jobId === unreadable.jobId ? Promise.reject(new NewerSchema("schema 2")) : life.jobs.get(jobId);

    const seen = await reconcileJobs({ ...life, jobs: { ...life.jobs, get } });

    expect(seen).toMatchObject({ orphansStopped: 0, trouble: [{ about: unreadable.jobId }] });
    expect(life.launcher.stops).toEqual([]);
    expect(await life.row(unreadable.jobId)).toEqual(unreadable);
  });

  test("are left alone when there was no time to read all jobs", async () => {
    const { life } = await withOrphan();
    for (const _ of upTo(reconcileConcurrency + 1)) await life.running();
    const get = (jobId: string) => {
      life.clock.pass(reconcileSeconds);
      return life.jobs.get(jobId);
    };

    const seen = await reconcileJobs({ ...life, jobs: { ...life.jobs, get } });

    expect(seen).toMatchObject({ isComplete: false, orphansStopped: 0 });
    expect(life.launcher.stops).toEqual([]);
  });
});

describe("a run", () => {
  test("says what it has seen", async () => {
    const life = await newLife();
    const job = await life.running();
    await life.starting();
    await life.slots.take(job.tenantId, ulid(), 10);

    expect(await reconcileJobs(life)).toEqual({
      ...{ jobs: 2, runners: 2, lostLaunches: [], orphansStopped: 0, slotsReleased: 1, isComplete: true, trouble: [] },
    });
  });

  test("of a service at rest sees nothing and does nothing", async () => {
    const life = await newLife();
    await life.ended();

    const seen = await reconcileJobs(life);

    expect(seen).toMatchObject({ jobs: 0, orphansStopped: 0, slotsReleased: 0, isComplete: true, trouble: [] });
  });

  test("in which one job cannot be helped helps the others, and tells of it", async () => {
    const life = await newLife();
    const jobs = [await life.accepted(), await life.accepted(), await life.accepted()];
    const [, broken] = jobs;
    const { launch } = life.launcher;
    life.launcher.launch = (wanted) =>
      wanted.jobId === broken?.jobId ? Promise.reject(new Error("Rate exceeded")) : launch(wanted);

    const { trouble } = await reconcileJobs(life);

    expect(new Set(trouble.map(({ about }) => about))).toEqual(new Set([broken?.jobId]));
    expect(trouble[0]?.attempt).toBe(0);
    const rows = await life.rows(jobs.map(({ jobId }) => jobId));
    expect(rows.map(({ status }) => status)).toEqual(["starting", "starting", "starting"]);
    expect(life.launcher.launches).toHaveLength(2);
  });

  test("for which there is too little time says so, and the next one goes on", async () => {
    const life = await newLife();
    const jobs = await Promise.all(upTo(3 * reconcileConcurrency).map(() => life.running()));
    for (const { jobId } of jobs) await life.jobs.update(jobId, { status: ["running"] }, { status: "failed" });
    const slow = {
      ...life.events,
      put: (batch: Parameters<typeof life.events.put>[0]) => {
        life.clock.pass(reconcileSeconds + 1);
        return life.events.put(batch);
      },
    };
    const settled = async () =>
      (await life.rows(jobs.map(({ jobId }) => jobId))).filter(({ lastSeq }) => lastSeq !== null).length;

    const first = await reconcileJobs({ ...life, events: slow });

    expect(first).toMatchObject({ isComplete: false, trouble: [] });
    expect(await settled()).toBe(reconcileConcurrency);
    expect(await reconcileJobs(life)).toMatchObject({ isComplete: true, jobs: 2 * reconcileConcurrency });
    expect(await settled()).toBe(jobs.length);
  });

  test("beside others at the same time does each thing once", async () => {
    const life = await newLife();
    const queued = await life.accepted();
    const lost = await life.running();
    life.launcher.end(lost.owner ?? "");
    const before = life.launcher.launches.length;

    await Promise.all([reconcileJobs(life), reconcileJobs(life), reconcileJobs(life)]);

    const order = (first: { jobId: string }, second: { jobId: string }) => (first.jobId < second.jobId ? -1 : 1);
    expect(life.launcher.launches.slice(before).toSorted(order)).toEqual(
      [
        { jobId: queued.jobId, attempt: 1, launch: 1 },
        { jobId: lost.jobId, attempt: 2, launch: 2 },
      ].toSorted(order),
    );
    expect(texts(await life.history(lost.jobId))).toEqual(["job_queued", "runner_lost"]);
    expect(texts(await life.history(queued.jobId))).toEqual(["job_queued"]);
  });

  test("that dies at any of its steps is made up for by the next", async () => {
    const deaths = await withEveryDeath(async (dieIn) => {
      const { life, jobs } = await inEveryNeed();

      await dieIn(life, reconcileJobs);
      life.clock.pass(launchSettleSeconds);
      for (const _ of upTo(2)) await reconcileJobs(life);

      await expectAllWell(life, jobs);
    });
    expect(deaths).toBeGreaterThan(30);
  });
});

/** Jobs of one tenant, which may run three at once: each needs something else of reconcile. */
async function inEveryNeed(): Promise<{ life: Lifecycle; jobs: Record<string, JobRecord> }> {
  const life = new Lifecycle(inMemoryStores(), 3);
  const tenantId = `tenant-${ulid()}`;
  const ended = await life.running({ tenantId });
  const lost = await life.running({ tenantId });
  const neverStarted = await life.starting({ tenantId });
  const [older = "", younger = ""] = orderedIds(2);
  const waiting = await life.submitted({ tenantId, jobId: older });
  const stays = await life.submitted({ tenantId, jobId: younger });
  const forgotten = await life.accepted();
  await life.jobs.update(ended.jobId, { status: ["running"] }, { status: "failed" });
  for (const job of [ended, lost, neverStarted]) life.launcher.end(life.launcher.taskOf(job));
  life.clock.pass(launchSettleSeconds);
  return { life, jobs: { ended, lost, neverStarted, waiting, stays, forgotten } };
}

async function expectAllWell(life: Lifecycle, jobs: Record<string, JobRecord>): Promise<void> {
  const rows = await Promise.all(
    Object.entries(jobs).map(async ([name, { jobId }]) => [name, await life.row(jobId)] as const),
  );
  expect(Object.fromEntries(rows)).toMatchObject({
    ended: { status: "failed", lastSeq: 2 },
    lost: { status: "starting", attempt: 2 },
    neverStarted: { status: "starting", attempt: 1 },
    waiting: { status: "starting", attempt: 1 },
    stays: { status: "queued" },
    forgotten: { status: "starting", attempt: 1 },
  });
  // Each that starts has a runner to come, its hint and its slot; nobody else does.
  const starting = rows.flatMap(([, row]) => (row.status === "starting" ? [row] : []));
  expect(await life.launcher.listAlive()).toHaveLength(starting.length);
  for (const { jobId, attempt } of starting) expect(life.queue.sent).toContainEqual({ jobId, attempt });
  for (const [, row] of rows) expect(await life.holdsSlot(row)).toBe(row.status === "starting");
  for (const [, row] of rows) expect(await life.isLive(row.jobId)).toBe(!isTerminal(row.status));
  for (const [, row] of rows) {
    const history = await life.history(row.jobId);
    expect(seqs(history)).toEqual(upTo(history.length));
    expect(history.filter(({ type }) => type === "runner_lost")).toHaveLength(Math.max(0, row.attempt - 1));
    expect(history.filter(({ type }) => type === "job_finished")).toHaveLength(isTerminal(row.status) ? 1 : 0);
  }
}

test("A runner that has ended well frees its slot at once, and the job that waited is started in the same run", async () => {
  const life = await newLife(1);
  const running = await life.running();
  const waiting = await life.submitted({ tenantId: running.tenantId });
  await finishJob(life, running, succeeded);

  await reconcileJobs(life);

  expect((await life.row(waiting.jobId)).status).toBe("starting");
});

test("While the runners cannot be asked after, what has ended is settled and what waits is admitted all the same", async () => {
  const life = await newLife(1);
  const { jobId, tenantId } = await life.running();
  const waiting = await life.submitted({ tenantId });
  await life.jobs.update(jobId, { status: ["running"] }, { status: "cancelled" });
  life.launcher.failOnce(new Error("ECS is not there."));

  const { trouble } = await reconcileJobs(life);

  expect(trouble.map(({ about }) => about)).toEqual(["the list of runners"]);
  expect(await life.isLive(jobId)).toBe(false);
  expect((await life.row(waiting.jobId)).status).toBe("starting");
});

test("How long a job may wait for room counts anew for each attempt", async () => {
  const life = await newLife();
  const job = await life.running();
  life.clock.pass(maximumCapacityWaitHours * 3_600 + 1);
  life.launcher.hasRoomFor(0);

  await reconcileJobs(life);

  expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 2, waiting: "capacity" });
});
