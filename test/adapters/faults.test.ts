import { ECSClient } from "@aws-sdk/client-ecs";
import { ulid } from "ulid";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ecsRunnerLauncher } from "../../adapters/ecs-runner-launcher.ts";
import { sqsJobQueue } from "../../adapters/sqs-job-queue.ts";
import { LaunchRefused, NoCapacity } from "../../core/errors.ts";
import type { JobRecord } from "../../core/job.ts";
import { admitJobs } from "../../core/lifecycle/admit-jobs.ts";
import { appendEvents } from "../../core/lifecycle/append-events.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../core/lifecycle/finish-job.ts";
import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { requeueJob } from "../../core/lifecycle/requeue-job.ts";
import { tableName } from "../../local/provision.ts";
import { output, seqs, texts, upTo } from "../helpers/events.ts";
import { type Fault, type FaultPlan, type FaultyClient, faultOf, injectFaults } from "../helpers/faulty-client.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { testSqs } from "../helpers/queue.ts";
import { staleReads } from "../helpers/stale-reads.ts";
import { testTable } from "../helpers/table.ts";
import { testEcs } from "../local/ecs/test-ecs.ts";

/** In another DynamoDB, which answers what does not ask for consistency as of so many writes ago. */
const behindTable = await testTable();
const behind = await staleReads(behindTable.client, tableName, { writes: 1_000 });
afterAll(() => behind[Symbol.asyncDispose]());
const table = await testTable();
const sqs = await testSqs();
const ecs = await testEcs({ runner: { command: ["/bin/sleep", "1000"], environment: {} } });
afterAll(() => ecs[Symbol.asyncDispose]());
let life: Lifecycle;

beforeEach(() => {
  life = new Lifecycle(table);
  // The SDK's pauses between its tries are a random part of a second and more: here they are none.
  vi.spyOn(Math, "random").mockReturnValue(0);
  return () => vi.restoreAllMocks();
});

const everyFault = ["throttled", "server_error", "answer_lost"] as const satisfies Fault[];
/** More often than the SDK tries. */
const always = Number.POSITIVE_INFINITY;
const succeeded = { status: "succeeded", reason: null } as const;

/** Acts while requests fail, to DynamoDB unless another client is given; some must have met their fault. */
async function under<Answer>(
  plan: FaultPlan,
  act: () => Promise<Answer>,
  client: FaultyClient = table.client,
): Promise<Answer> {
  using faults = injectFaults(client, plan);
  try {
    return await act();
  } finally {
    expect(faults.injected).not.toEqual([]);
  }
}

/** The job's end as everybody may see it: once in its events, its slot free, nobody looking after it any more. */
async function expectSettled({ jobId, tenantId }: JobRecord, status: JobRecord["status"] = "succeeded"): Promise<void> {
  const events = await life.history(jobId);
  expect(seqs(events)).toEqual(upTo(events.length));
  expect(events.filter(({ type }) => type === "job_finished")).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: "job_finished", data: { status } });
  expect(await life.row(jobId)).toMatchObject({ status, lastSeq: events.length });
  expect(await life.slots.holders(tenantId)).not.toContain(jobId);
  expect(await life.isLive(jobId)).toBe(false);
}

describe.each(everyFault)("A request that is %s once", (fault) => {
  test("leaves a request's memory as if nothing had happened: it is the first of its key", async () => {
    const request = { tenantId: ulid(), key: "a", fingerprint: "x", jobId: ulid(), requestId: crypto.randomUUID() };

    expect(await under(faultOf(fault, "PutItem"), () => life.jobs.rememberRequest(request))).toEqual(request);

    expect(await life.jobs.rememberRequest({ ...request, requestId: "another", jobId: ulid() })).toEqual(request);
  });

  test.each([1, 2])("leaves a new job stored, with what was asked for: write %i of two", async (which) => {
    const job = queuedJob();
    let writes = 0;
    const plan: FaultPlan = (command) => (command === "PutItem" && ++writes === which ? fault : undefined);

    await under(plan, () => life.jobs.create(job, jobSpec()));

    expect(await life.jobs.get(job.jobId)).toEqual(job);
    expect(await life.jobs.getSpec(job.jobId)).toEqual(jobSpec());
    expect(await life.isLive(job.jobId)).toBe(true);
  });

  test("leaves a job with the runner that has claimed it, and with no other", async () => {
    const { jobId, attempt } = await life.starting();
    const claim = (owner: string) => claimJob(life, { jobId, attempt }, { owner, maxMinutes: 60 });

    const claimed = await under(faultOf(fault, "UpdateItem"), () => claim("runner-1"));

    expect(claimed).toMatchObject({ status: "running", owner: "runner-1", attempt: 1 });
    expect(await claim("runner-2")).toBeUndefined();
    expect(await life.row(jobId)).toEqual(claimed);
  });

  test("leaves a batch of events in the log once, and the next one after it", async () => {
    const { jobId } = await life.running();
    const writer = { jobId, attempt: 1, tail: undefined };

    await under(faultOf(fault, "PutItem"), () => appendEvents(life.events, writer, [output("a"), output("b")]));
    await under(faultOf(fault, "PutItem"), () => appendEvents(life.events, writer, [output("c")]));

    const events = await life.history(jobId);
    expect(seqs(events)).toEqual(upTo(4));
    expect(texts(events)).toEqual(["job_queued", "a", "b", "c"]);
  });

  test("leaves a slot taken by who took it, the last one also", async () => {
    const tenantId = ulid();

    expect(await under(faultOf(fault, "UpdateItem"), () => life.slots.take(tenantId, "a", 1))).toBe(true);

    expect(await life.slots.take(tenantId, "b", 1)).toBe(false);
    await under(faultOf(fault, "UpdateItem"), () => life.slots.release(tenantId, "a"));
    expect(await life.slots.holders(tenantId)).toEqual([]);
    await under(faultOf(fault, "UpdateItem"), () => life.slots.forgetIfUnused(tenantId));
    expect(await Array.fromAsync(life.slots.listTenants())).not.toContain(tenantId);
  });

  test("leaves a read with its answer", async () => {
    const job = await life.running();

    expect(await under(faultOf(fault, "GetItem"), () => life.jobs.get(job.jobId))).toEqual(job);
    expect(await under(faultOf(fault, "Query"), () => life.isLive(job.jobId))).toBe(true);
    expect(await under(faultOf(fault, "BatchGetItem"), () => listOf(job.tenantId))).toEqual([job.jobId]);
  });

  test("leaves a heartbeat renewed", async () => {
    const { jobId, owner } = await life.running();
    const guard = { status: ["running"], attempt: 1, ...(owner !== null && { owner }) } as const;

    const renewed = await under(faultOf(fault, "UpdateItem"), () => life.jobs.update(jobId, guard, { leaseUntil: 5 }));

    expect(renewed).toMatchObject({ leaseUntil: 5 });
  });
});

describe("A request that fails as often as it is tried", () => {
  test.each([
    ["throttled", "Rate exceeded"],
    ["server_error", "Internal server error"],
    ["answer_lost", "took too long"],
  ] as const)("is an error and no answer: %s", async (fault, message) => {
    const { jobId, tenantId } = await life.accepted();
    const expectError = (command: string, act: () => Promise<unknown>) =>
      expect(under(faultOf(fault, command, always), act)).rejects.toThrow(message);

    await Promise.all([
      expectError("GetItem", () => life.jobs.get(jobId)),
      expectError("Query", () => Array.fromAsync(life.jobs.listLive("active"))),
      expectError("UpdateItem", () => life.slots.take(tenantId, "a", 1)),
    ]);
  });

  test("does not double a batch of events that was stored all the same, when its writer tries it once more", async () => {
    const { jobId } = await life.running();
    const writer = { jobId, attempt: 1, tail: undefined };
    const append = () => appendEvents(life.events, writer, [output("a"), output("b")], "one batch");
    await expect(under(faultOf("answer_lost", "PutItem", always), append)).rejects.toThrow();

    await append();

    expect(texts(await life.history(jobId))).toEqual(["job_queued", "a", "b"]);
  });

  test("does not double it either when another writer has come between", async () => {
    const { jobId } = await life.running();
    const [writer, other] = upTo(2).map(() => ({ jobId, attempt: 1, tail: undefined }));
    if (!writer || !other) throw new Error("no writers");
    const append = () => appendEvents(life.events, writer, [output("a")], "one batch");
    await expect(under(faultOf("answer_lost", "PutItem", always), append)).rejects.toThrow();
    await appendEvents(life.events, other, [output("b")]);

    await append();

    expect(texts(await life.history(jobId))).toEqual(["job_queued", "a", "b"]);
  });
});

describe("A job that is taken back while an answer is lost", () => {
  test.each([
    ["once", 1],
    ["as often as it is tried", always],
  ])("%s is the next attempt, and no further one, however often it is taken back", async (_how, times) => {
    const job = await life.running();
    const requeue = () => requeueJob(life, job, "The runner was told to stop.");
    await under(faultOf("answer_lost", "UpdateItem", times), () => requeue().catch(() => undefined));

    expect(await requeue()).toBeUndefined();
    await reconcileJobs(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 2 });
    const events = await life.history(job.jobId);
    expect(seqs(events)).toEqual(upTo(events.length));
    expect(events.filter(({ type }) => type === "runner_lost")).toMatchObject([{ attempt: 2 }]);
    const launched = life.launcher.launches.filter(({ jobId }) => jobId === job.jobId);
    expect(launched.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await life.slots.holders(job.tenantId)).toEqual([job.jobId]);
  });
});

describe("A job's end", () => {
  const writes = (command: string) => /^(Put|Update)Item$/.test(command);
  /** The job's row, its last event, its slot, its row. */
  const steps = upTo(4);

  test.each(steps)("of which the answer to write %i is lost is one end", async (which) => {
    const job = await life.running();
    let count = 0;

    await under(
      (command) => (writes(command) && ++count === which ? "answer_lost" : undefined),
      () => finishJob(life, job, succeeded),
    );
    await reconcileJobs(life);

    await expectSettled(job);
  });

  test.each(steps)("that is cut off after write %i, which was made, is made up for by reconcile", async (which) => {
    const job = await life.running();
    let count = 0;
    const cutOff: FaultPlan = (command) => (writes(command) && ++count >= which ? "answer_lost" : undefined);
    await expect(under(cutOff, () => finishJob(life, job, succeeded))).rejects.toThrow();

    expect(await finishJob(life, job, succeeded)).toBeUndefined();
    await reconcileJobs(life);

    await expectSettled(job);
  });

  test.each(steps)("that is cut off before write %i is made by who tries again, or by reconcile", async (which) => {
    const job = await life.running();
    let count = 0;
    const cutOff: FaultPlan = (command) => (writes(command) && ++count >= which ? "server_error" : undefined);
    await expect(under(cutOff, () => finishJob(life, job, succeeded))).rejects.toThrow();

    await finishJob(life, job, succeeded);
    await reconcileJobs(life);

    await expectSettled(job);
  });
});

async function listOf(tenantId: string): Promise<string[]> {
  const { jobs } = await life.jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 50 });
  return jobs.map(({ record }) => record.jobId);
}

describe("A list of which DynamoDB answers half", () => {
  test("is asked for again until it is whole", async () => {
    const tenantId = ulid();
    const now = Date.now();
    const stored = upTo(20).map((number) => queuedJob({ jobId: ulid(now + number), tenantId }));
    await Promise.all(stored.map((job) => life.jobs.create(job, jobSpec())));
    using faults = injectFaults(table.client, faultOf("half_done", "BatchGetItem", 4));

    const listed = await listOf(tenantId);

    expect(listed).toEqual(stored.map(({ jobId }) => jobId).toReversed());
    expect(faults.injected).toHaveLength(4);
  });
});

test("A run of reconcile that cannot read one job looks after the others, says which it was, and stops no runner", async () => {
  const lost = [await life.running(), await life.running(), await life.running()];
  const [unreadable, ...others] = lost.map(({ jobId }) => jobId);
  // For all that is known, it may work on the job that cannot be read.
  await life.launcher.launch({ jobId: ulid(), attempt: 1, launch: 1 });
  life.clock.pass(1_000);
  const attempts = async (jobIds: readonly string[]) =>
    (await Promise.all(jobIds.map((jobId) => life.row(jobId)))).map(({ attempt }) => attempt);

  const { trouble, orphansStopped } = await under(
    (_command, body) => (body.includes(`JOB#${unreadable}`) ? "throttled" : undefined),
    () => reconcileJobs(life),
  );

  expect(trouble).toMatchObject([{ about: unreadable, error: { message: "Rate exceeded" } }]);
  expect(orphansStopped).toBe(0);
  expect(await attempts(others)).toEqual([2, 2]);
  expect(await attempts([unreadable ?? ""])).toEqual([1]);

  expect(await reconcileJobs(life)).toMatchObject({ trouble: [], orphansStopped: 1 });

  expect(await attempts(lost.map(({ jobId }) => jobId))).toEqual([2, 2, 2]);
});

describe.each(everyFault)("A request to the queue that is %s once", (fault) => {
  test("loses no hint, and no word that it is done with", async () => {
    const queue = sqsJobQueue(sqs.client, await sqs.makeQueue());
    const hint = { jobId: ulid(), attempt: 1 };
    await under(faultOf(fault, "SendMessage"), () => queue.send(hint), sqs.client);

    const received = await queue.receive(new AbortController().signal);

    expect(received?.hint).toEqual(hint);
    await under(faultOf(fault, "DeleteMessage"), async () => received?.delete(), sqs.client);
  });
});

describe.each(everyFault)("A request to ECS that is %s once", (fault) => {
  /** Tries again, as the functions' client does; the test's own does not. */
  const client = new ECSClient({
    ...{ endpoint: ecs.endpoint, region: "us-east-1" },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  afterAll(() => client.destroy());
  const settings = {
    cluster: ecs.cluster,
    taskDefinition: "runner",
    subnets: [],
    securityGroups: [],
    assignPublicIp: true,
  };
  const launcher = ecsRunnerLauncher(client, settings);

  test("starts one task, and leaves it as it was told", async () => {
    const launch = { jobId: ulid(), attempt: 1, launch: 1 };
    const before = await launcher.listAlive();

    await under(faultOf(fault, "RunTask"), () => launcher.launch(launch), client);

    const alive = await under(faultOf(fault, "ListTasks"), () => launcher.listAlive(), client);
    const started = alive.filter((taskId) => !before.includes(taskId));
    expect(started).toHaveLength(1);
    expect(await under(faultOf(fault, "DescribeTasks"), () => launcher.describe(started), client)).toMatchObject([
      { isAlive: true },
    ]);
    await under(faultOf(fault, "StopTask"), () => launcher.stop(started[0] ?? "", "a test"), client);
    await ecs.stopped({ taskArn: started[0] ?? "" });
    expect(await launcher.describe(started)).toMatchObject([{ isAlive: false }]);
  });

  test("as often as it is tried, is no refusal: the same launch later starts what was not started, and nothing twice", async () => {
    const launch = { jobId: ulid(), attempt: 1, launch: 1 };
    const before = await launcher.listAlive();
    const failed = under(faultOf(fault, "RunTask", always), () => launcher.launch(launch), client);
    await expect(failed).rejects.toThrow();
    await expect(failed).rejects.not.toThrow(LaunchRefused);
    await expect(failed).rejects.not.toThrow(NoCapacity);

    await launcher.launch(launch);

    const started = (await launcher.listAlive()).filter((taskId) => !before.includes(taskId));
    expect(started).toHaveLength(1);
    await launcher.stop(started[0] ?? "", "a test");
    await ecs.stopped({ taskArn: started[0] ?? "" });
  });
});

describe("An index that is behind the writes", () => {
  const worldBehind = () => new Lifecycle(behindTable, 1);
  beforeEach(() => behind.catchUp());

  test("hides a job for as long as that, and reconcile leaves it its slot", async () => {
    const late = worldBehind();
    const job = await late.running();
    expect(await Array.fromAsync(late.jobs.listLive("active"))).not.toContain(job.jobId);

    await reconcileJobs(late);

    expect(await late.row(job.jobId)).toEqual(job);
    expect(await late.slots.holders(job.tenantId)).toEqual([job.jobId]);
    await behind.catchUp();
    expect(await Array.fromAsync(late.jobs.listLive("active"))).toContain(job.jobId);
  });

  test("shows a job that has been settled, and nothing is done twice", async () => {
    const late = worldBehind();
    const job = await late.running();
    await behind.catchUp();
    await finishJob(late, job, succeeded);
    const [row, tail] = [await late.row(job.jobId), await late.events.tail(job.jobId)];
    expect(await Array.fromAsync(late.jobs.listLive("active"))).toContain(job.jobId);

    expect(await reconcileJobs(late)).toMatchObject({ trouble: [] });

    expect([await late.row(job.jobId), await late.events.tail(job.jobId)]).toEqual([row, tail]);
    expect(await late.slots.holders(job.tenantId)).toEqual([]);
  });

  test("shows a job to wait that runs already: it gets no second runner, and keeps its slot", async () => {
    const late = worldBehind();
    const tenantId = ulid();
    const first = await late.running({ tenantId });
    const second = await late.submitted({ tenantId });
    await behind.catchUp();
    await finishJob(late, first, succeeded);
    await admitJobs(late, tenantId);
    const started = await late.row(second.jobId);
    expect(started.status).toBe("starting");
    expect(await Array.fromAsync(late.jobs.listWaiting(tenantId))).toEqual([second.jobId]);

    await admitJobs(late, tenantId);
    await reconcileJobs(late);

    expect(await late.row(second.jobId)).toEqual(started);
    expect(await late.slots.holders(tenantId)).toEqual([second.jobId]);
    expect(late.launcher.launches).toHaveLength(2);
  });

  test("hides what waits from the count, which may let in some more", async () => {
    const late = worldBehind();
    const tenantId = ulid();
    for (const _job of upTo(3)) await late.submitted({ tenantId });

    expect(await late.jobs.countWaiting(tenantId, 10)).toBe(0);
    await behind.catchUp();
    expect(await late.jobs.countWaiting(tenantId, 10)).toBe(2);
  });

  test("is no reason for a runner to give up: a glance of its job may be as old as that", async () => {
    const late = worldBehind();
    const job = await late.starting();
    await behind.catchUp();
    const claimed = await late.claimed(job);

    expect(await late.jobs.glance(job.jobId)).toEqual(job);
    expect(await late.jobs.get(job.jobId)).toEqual(claimed);
  });
});
