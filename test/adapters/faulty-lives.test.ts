import { ListTasksCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { ulid } from "ulid";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { ecsRunnerLauncher } from "../../adapters/ecs-runner-launcher.ts";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import type { JobRecord } from "../../core/job.ts";
import { isTerminal } from "../../core/job.ts";
import { acceptJob } from "../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../core/lifecycle/admit-jobs.ts";
import { appendEvents, type EventWriter } from "../../core/lifecycle/append-events.ts";
import { cancelJob, cancelled } from "../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../core/lifecycle/finish-job.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { requeueJob } from "../../core/lifecycle/requeue-job.ts";
import { leaseSeconds } from "../../core/limits.ts";
import { tableName } from "../../local/provision.ts";
import { claimOf } from "../../runner/heartbeat.ts";
import { takeJob } from "../../runner/take-job.ts";
import { output, seqs, upTo } from "../helpers/events.ts";
import { type FaultPlan, injectFaults, mulberry32, seededFaults } from "../helpers/faulty-client.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testSqs } from "../helpers/queue.ts";
import { staleReads } from "../helpers/stale-reads.ts";
import { type TestTable, testTable } from "../helpers/table.ts";
import { ecsClient, testEcs } from "../local/ecs/test-ecs.ts";

/** A table, and a way to let what reads of it are behind catch up. */
interface Reads {
  readonly table: TestTable;
  catchUp(): Promise<void>;
}

/** Each has a DynamoDB of its own; that of the second answers what does not ask for consistency as of 15 writes ago. */
const current: Reads = { table: await testTable(), catchUp: async () => undefined };
const behind: Reads = await (async () => {
  const table = await testTable();
  const stale = await staleReads(table.client, tableName, { writes: 15 });
  afterAll(() => stale[Symbol.asyncDispose]());
  return { table, catchUp: stale.catchUp };
})();
const sqs = await testSqs();
const maximumTasks = 5;
const ecs = await testEcs(
  { runner: { command: ["/bin/sleep", "1000"], environment: {} } },
  { maximumTasks, stopTimeoutSeconds: 1 },
);
/** What happens to tasks by themselves meets no fault. */
const outside = ecsClient(ecs.endpoint);
afterAll(async () => {
  outside.destroy();
  await ecs[Symbol.asyncDispose]();
});

async function endTask(task: string): Promise<void> {
  await outside.send(new StopTaskCommand({ cluster: ecs.cluster, task }));
  await ecs.stopped({ taskArn: task });
}

beforeEach(() => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  // The SDK's pauses between its tries: here they are none.
  vi.spyOn(Math, "random").mockReturnValue(0);
  return () => vi.restoreAllMocks();
});

const tenants = 2;
const jobsPerTenant = 4;
const maximumConcurrentJobs = 2;
const maximumRounds = 80;
const secondsPerRound = 31;
const spec = jobSpec({ options: { maxMinutes: 720 } });

/** A job that a runner holds; the task's ARN is its name. */
interface Work {
  readonly job: JobRecord;
  readonly writer: EventWriter;
}

/** Jobs with everything that acts on them: clients, runners, reconcile. What a fault stops is tried again a round later. */
class World {
  readonly ports: StartPorts;
  readonly jobs: readonly JobRecord[];
  /** Who has claimed what: an attempt has one owner. */
  readonly owners = new Map<string, string>();
  readonly #random: () => number;
  readonly #accepted = new Set<string>();
  readonly #runners = new Map<string, Work | undefined>();
  #milliseconds = 0;

  constructor(table: TestTable, queueUrl: string, random: () => number) {
    this.#random = random;
    this.ports = {
      ...{ jobs: table.jobs, events: table.events, slots: table.slots, maximumConcurrentJobs },
      queue: sqsJobQueue(sqs.client, queueUrl),
      launcher: ecsRunnerLauncher(ecs.client, {
        ...{ cluster: ecs.cluster, taskDefinition: "runner", subnets: [], securityGroups: [], assignPublicIp: true },
      }),
      now: () => new Date(Date.now() + this.#milliseconds),
    };
    const names = upTo(tenants).map(() => ulid());
    this.jobs = names.flatMap((tenantId) => upTo(jobsPerTenant).map(() => queuedJob({ tenantId }, spec)));
  }

  async round(): Promise<void> {
    await this.#submit();
    await this.#startRunners();
    for (const [taskArn, work] of this.#runners) await this.#tried(() => this.#work(taskArn, work));
    await this.#tried(() => reconcileJobs(this.ports));
    this.#milliseconds += secondsPerRound * 1_000;
  }

  async #tried(act: () => Promise<unknown>): Promise<boolean> {
    return act().then(
      () => true,
      () => false,
    );
  }

  /** One more in each round; a client that gets no answer asks again. */
  async #submit(): Promise<void> {
    const next = this.jobs.find(({ jobId }) => !this.#accepted.has(jobId));
    if (next === undefined) return;
    const isAccepted = await this.#tried(() => acceptJob(this.ports, next, spec));
    if (!isAccepted) return;
    this.#accepted.add(next.jobId);
    await this.#tried(() => admitJobs(this.ports, next.tenantId, next));
    if (this.#random() < 0.15) await this.#tried(() => cancelJob(this.ports, next));
  }

  /** Every task is a runner, and looks for a job for a moment in each round until it has one. */
  async #startRunners(): Promise<void> {
    const { taskArns = [] } = await outside.send(new ListTasksCommand({ cluster: ecs.cluster }));
    for (const taskArn of this.#runners.keys()) if (!taskArns.includes(taskArn)) this.#runners.delete(taskArn);
    for (const taskArn of taskArns) if (!this.#runners.get(taskArn)) await this.#look(taskArn);
  }

  async #look(taskArn: string): Promise<void> {
    this.#runners.set(taskArn, undefined);
    const taken = await takeJob(this.ports, taskArn, AbortSignal.timeout(150)).catch(() => "crashed" as const);
    if (taken === "crashed") return this.#end(taskArn);
    if (taken === undefined) return;
    const { record: job } = taken;
    const name = `${job.jobId}-${job.attempt}`;
    expect(this.owners.get(name) ?? taskArn, name).toBe(taskArn);
    this.owners.set(name, taskArn);
    this.#runners.set(taskArn, { job, writer: { jobId: job.jobId, attempt: job.attempt, tail: undefined } });
  }

  /** What a runner does in a round: it keeps its lease, prints, and at some time ends the job, crashes, or is told to stop. */
  async #work(taskArn: string, work: Work | undefined): Promise<void> {
    if (work === undefined) return;
    const { job, writer } = work;
    const leaseUntil = this.ports.now().getTime() + leaseSeconds * 1_000;
    const renewed = await this.ports.jobs.update(job.jobId, claimOf(job), { leaseUntil });
    if (renewed === undefined) return this.#end(taskArn);
    await appendEvents(this.ports.events, writer, [output("at work")]);
    const fate = this.#random();
    if (renewed.cancelRequestedAt !== null) await finishJob(this.ports, renewed, cancelled("Told so."), { writer });
    else if (fate < 0.5) await finishJob(this.ports, renewed, { status: "succeeded", reason: null }, { writer });
    else if (fate < 0.6) await requeueJob(this.ports, renewed, "The runner was told to stop.");
    else if (fate > 0.7) return;
    await this.#end(taskArn);
  }

  /** The process is gone, whatever it has left behind. */
  async #end(taskArn: string): Promise<void> {
    this.#runners.delete(taskArn);
    await endTask(taskArn);
  }

  async rows(): Promise<JobRecord[]> {
    const rows = await Promise.all(this.jobs.map(({ jobId }) => this.ports.jobs.get(jobId)));
    return rows.filter((row) => row !== undefined);
  }

  async isAtRest(): Promise<boolean> {
    const rows = await this.rows();
    return rows.length === this.jobs.length && rows.every(({ lastSeq }) => lastSeq !== null);
  }
}

/** What must be true of every job once all has come to rest. */
async function expectWellEnded({ ports, jobs }: World): Promise<void> {
  for (const { jobId, tenantId } of jobs) {
    const row = await ports.jobs.get(jobId);
    const events = await ports.events.read(jobId, 0, { events: 1_000, bytes: 10_000_000 });
    expect(row && isTerminal(row.status)).toBe(true);
    expect(seqs(events)).toEqual(upTo(row?.lastSeq ?? 0));
    expect(events.filter(({ type }) => type === "job_finished")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "job_finished", data: { status: row?.status } });
    const firstOfAttempt = upTo(row?.attempt ?? 0)
      .slice(1)
      .map((attempt) => events.find((event) => event.attempt === attempt));
    expect(firstOfAttempt.map((event) => event?.type)).toEqual(firstOfAttempt.map(() => "runner_lost"));
    expect(await ports.slots.holders(tenantId)).toEqual([]);
  }
  const live = [ports.jobs.listLive("active"), ports.jobs.listLive("due"), ports.jobs.listWaitingTenants()];
  expect(await Promise.all(live.map((place) => Array.fromAsync(place)))).toEqual([[], [], []]);
}

/** Requests of all three services fail by the plan, as long as anything goes on. */
async function liveThrough(world: World, { table, catchUp }: Reads, plan: FaultPlan): Promise<number> {
  using dynamoFaults = injectFaults(table.client, plan);
  using sqsFaults = injectFaults(sqs.client, plan);
  using ecsFaults = injectFaults(ecs.client, plan);
  for (let round = 0; !(await world.isAtRest().catch(() => false)); round++) {
    if (round > maximumRounds) throw new Error(`Not at rest: ${JSON.stringify(await world.rows())}`);
    await world.round();
    // However far behind, reads do not stay there: time passes, too.
    if (round % 4 === 3) await catchUp();
    const running = (await world.rows().catch(() => [])).filter(({ status }) => /starting|running/.test(status));
    const byTenant = Map.groupBy(running, ({ tenantId }) => tenantId);
    for (const some of byTenant.values()) expect(some.length).toBeLessThanOrEqual(maximumConcurrentJobs);
  }
  return dynamoFaults.injected.length + sqsFaults.injected.length + ecsFaults.injected.length;
}

test.each([
  ["current", 1, current],
  ["behind the writes", 3, behind],
])(
  "Whatever requests fail or lose their answers, every accepted job ends, once, and none runs twice: reads %s, seed %i",
  async (_reads, seed, reads) => {
    const world = new World(reads.table, await sqs.makeQueue(), mulberry32(seed));

    const faults = await liveThrough(world, reads, seededFaults(seed, 5, ["throttled", "server_error", "answer_lost"]));

    expect(faults).toBeGreaterThan(50);
    await reads.catchUp();
    await reconcileJobs(world.ports);
    await reads.catchUp();
    await expectWellEnded(world);
  },
  300_000,
);
