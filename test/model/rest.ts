import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import {
  cancelGraceSeconds,
  deadlineGraceSeconds,
  launchSettleSeconds,
  orphanSeconds,
  startSeconds,
} from "../../core/limits.ts";
import type { Environment } from "./environment.ts";
import { assertOnlyOutages } from "./trouble.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

const maximumRounds = 60;
const minute = 60_000;

/**
 * Reconcile runs each minute, tasks boot, time passes to where something is due: so the jobs come to their later attempts
 * and their ends while things still go wrong.
 */
export async function goOn(world: World, environment: Environment): Promise<void> {
  const { random, profile } = world;
  for (let round = 0; round < profile.rounds && !isAtRest(world); round++) {
    environment.reconcile();
    if (random.isTrue(0.3)) environment.reconcile();
    for (let events = random.between(0, 2); events > 0; events--) environment.happen();
    await drain(world);
    await untilNextChange(world);
  }
}

/**
 * From now on nothing goes wrong any more, and there is room for all: what is under way ends, what waits goes on. Throws
 * if that takes too long.
 */
export async function comeToRest(world: World): Promise<void> {
  const { scheduler, cluster, queue } = world;
  scheduler.faultProbability = 0;
  queue.disorderProbability = 0;
  cluster.isRefusing = false;
  cluster.room = Number.POSITIVE_INFINITY;
  await drain(world);
  for (let round = 0; !isAtRest(world); round++) {
    if (round === maximumRounds) throw new Violation("everything comes to rest", describe(world));
    world.begin("reconcile", async (ports) => assertOnlyOutages((await reconcileJobs(ports)).trouble));
    await drain(world);
    await untilNextChange(world);
  }
}

/** Whatever can go on without time passing goes on. */
async function drain(world: World): Promise<void> {
  for (;;) {
    // Some tasks boot late, some not at all.
    for (const task of world.cluster.alive) if (world.random.isTrue(0.9)) world.boot(task);
    await world.scheduler.settle();
    if (!world.scheduler.hasWaiting) return;
    while (world.scheduler.hasWaiting) await world.scheduler.step();
  }
}

/** At least the minute between two runs of reconcile; longer where nothing is due before. */
async function untilNextChange(world: World): Promise<void> {
  const { scheduler } = world;
  const from = scheduler.now;
  while (!isAtRest(world)) {
    const left = from + minute - scheduler.now;
    const next = Math.min(...dueTimes(world).filter((time) => time > scheduler.now)) - scheduler.now;
    if (left <= 0 && next > minute) return;
    // The clocks go wrong by some seconds.
    await scheduler.pass(Math.max(left, Number.isFinite(next) ? next : 0) + 6_000, () => true);
    await drain(world);
    if (scheduler.now >= from + minute) return;
  }
}

function dueTimes({ ledger, cluster, scheduler }: World): number[] {
  const ofJobs = ledger.jobs.flatMap(({ startUntil, leaseUntil, deadlineAt, cancelRequestedAt }) => [
    ...(startUntil === null ? [] : [startUntil, startUntil - (startSeconds - launchSettleSeconds) * 1_000]),
    ...(leaseUntil === null ? [] : [leaseUntil]),
    ...(deadlineAt === null ? [] : [Date.parse(deadlineAt) + deadlineGraceSeconds * 1_000]),
    ...(cancelRequestedAt === null ? [] : [Date.parse(cancelRequestedAt) + cancelGraceSeconds * 1_000]),
  ]);
  const ofTasks = cluster.alive.map(({ launchedAt }) => launchedAt + orphanSeconds * 1_000);
  const timer = scheduler.nextTimer;
  return [...ofJobs, ...ofTasks, ...(timer === undefined ? [] : [timer])];
}

function isAtRest({ ledger, cluster, scheduler }: World): boolean {
  if (scheduler.hasWaiting || scheduler.nextTimer !== undefined) return false;
  const isFree = [...ledger.slots.values()].every((holders) => holders.size === 0);
  return isFree && cluster.alive.length === 0 && ledger.jobs.every(({ lastSeq }) => lastSeq !== null);
}

function describe({ ledger, cluster }: World): string {
  const jobs = ledger.jobs
    .filter(({ lastSeq }) => lastSeq === null)
    .map(({ jobId, status, attempt }) => `${jobId} ${status} (${attempt})`);
  const slots = [...ledger.slots].flatMap(([tenantId, holders]) =>
    [...holders].map((jobId) => `${tenantId}: ${jobId}`),
  );
  return JSON.stringify({ jobs, slots, tasks: cluster.alive.map(({ taskId }) => taskId) });
}
