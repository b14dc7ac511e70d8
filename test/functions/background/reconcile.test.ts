import { beforeEach, describe, expect, test, vi } from "vitest";
import { leaseSeconds } from "../../../core/limits.ts";
import { reconcile } from "../../../functions/background/reconcile.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

const log: string[] = [];
let life: Lifecycle;

beforeEach(() => {
  life = new Lifecycle(inMemoryStores(), 1);
  log.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((line) => log.push(String(line)) > 0);
  return () => vi.restoreAllMocks();
});

const scheduled = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };
const lines = () => log.map((line) => JSON.parse(line));
const tenantId = "tenant-1";

/** EventBridge's event of the end of a task, by itself unless `more` says otherwise. */
function taskStopped(
  more: { startedBy?: string; stopCode?: string; exitCode?: number | null; lastStatus?: string } = {},
) {
  const { startedBy = "somebody", stopCode = "EssentialContainerExited", exitCode = 0, lastStatus = "STOPPED" } = more;
  return {
    ...{ version: "0", source: "aws.ecs", "detail-type": "ECS Task State Change", region: "us-east-1" },
    detail: {
      ...{ lastStatus, desiredStatus: "STOPPED", startedBy, stopCode },
      ...{ taskArn: "task/1", stoppedReason: "CannotPullContainerError: not found" },
      containers: [{ name: "runner", lastStatus: "STOPPED", ...(exitCode !== null && { exitCode }) }],
    },
  };
}

/** A tenant with one slot, its runner lost and the lease over, and another with a job that was accepted and no more. */
async function workForAFullPass() {
  const lost = await life.running();
  const forgotten = await life.accepted();
  life.clock.pass(leaseSeconds + 1);
  return {
    async isDone() {
      const rows = await life.rows([lost.jobId, forgotten.jobId]);
      return rows.map(({ status, attempt }) => `${status} ${attempt}`).join(", ") === "starting 2, starting 1";
    },
  };
}

/** A job that waits for the slot of another, whose runner has ended it and released the slot. */
async function workForACheapPass() {
  const running = await life.running({ tenantId });
  const waiting = await life.submitted({ tenantId });
  expect(waiting.waiting).toBe("tenant_limit");
  await life.jobs.update(running.jobId, { status: ["running"] }, { status: "succeeded" });
  await life.slots.release(tenantId, running.jobId);
  return { isDone: async () => (await life.row(waiting.jobId)).status === "starting" };
}

describe("a runner that has ended as it should", () => {
  test("has made room: who waited for it is started at once", async () => {
    const work = await workForACheapPass();

    await reconcile(life, taskStopped());

    expect(await work.isDone()).toBe(true);
  });

  test("is no occasion to look at every job, which would cost much and find little", async () => {
    const work = await workForAFullPass();
    const listLive = vi.fn(life.jobs.listLive);

    await reconcile({ ...life, jobs: { ...life.jobs, listLive } }, taskStopped());

    expect(await work.isDone()).toBe(false);
    expect(listLive.mock.calls).toEqual([["due"]]);
  });
});

describe("any other occasion is one to look after every job", () => {
  test.each<[what: string, event: unknown]>([
    ["the minute is over", scheduled],
    ["a runner has crashed", taskStopped({ exitCode: 1 })],
    ["a runner was killed for want of memory", taskStopped({ exitCode: 137 })],
    ["a runner's container was never started", taskStopped({ exitCode: null, stopCode: "TaskFailedToStart" })],
    ["a runner was stopped, by a person or by us", taskStopped({ stopCode: "UserInitiated" })],
    ["a Spot capacity was taken back", taskStopped({ stopCode: "SpotInterruption" })],
    ["nothing was said", undefined],
    ["null was said", null],
    ["nonsense was said", "please reconcile"],
    ["an event of another make was sent", { source: "aws.ecs", detail: { containers: "none" } }],
    ["an event of another source was sent", { ...taskStopped(), source: "aws.ec2" }],
    ["a list was sent", [taskStopped()]],
  ])("%s", async (_what, event) => {
    const work = await workForAFullPass();

    await reconcile(life, event);

    expect(await work.isDone()).toBe(true);
  });
});

describe("a runner that is known to have stopped before it had claimed its job", () => {
  async function startingJob() {
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    return job;
  }

  test("is replaced at once, although its launch was only a moment ago", async () => {
    const { jobId } = await startingJob();

    await reconcile(life, taskStopped({ startedBy: `${jobId}-1`, exitCode: 1 }));

    expect(life.launcher.launches.map(({ launch }) => launch)).toEqual([1, 2]);
    expect(await life.row(jobId)).toMatchObject({ status: "starting", attempt: 1, launches: 2, lostLaunches: 1 });
    expect(life.queue.sent).toHaveLength(2);
  });

  test("is replaced once, however often that is said", async () => {
    const { jobId } = await startingJob();
    const event = taskStopped({ startedBy: `${jobId}-1`, exitCode: 1 });

    for (let times = 0; times < 3; times++) await reconcile(life, event);

    expect(life.launcher.launches).toHaveLength(2);
  });

  test.each(["", "deploy", "../-1", "01KB3Q9M6Y8Z4V5N7T2R1C0D9E", "01KB3Q9M6Y8Z4V5N7T2R1C0D9E-", "x-1"])(
    "is replaced later where it does not say whose it was: %j",
    async (startedBy) => {
      const { jobId } = await startingJob();

      await reconcile(life, taskStopped({ startedBy, exitCode: 1 }));
      expect(life.launcher.launches).toHaveLength(1);
      life.clock.pass(60);
      await reconcile(life, scheduled);

      expect(life.launcher.launches.map(({ launch }) => launch)).toEqual([1, 2]);
      expect(await life.row(jobId)).toMatchObject({ launches: 2 });
    },
  );
});

describe("a runner that was lost before it had a job", () => {
  const neverStarted = { stopCode: "TaskFailedToStart", exitCode: null } as const;
  const toldOf = () => lines().filter(({ message }) => message === "a runner was lost before it had a job");

  test("is told of with its job, its task and what ECS says of it", async () => {
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job), "CannotPullContainerError: not found");
    const startedBy = `${job.jobId}-1`;

    for (const lastStatus of ["DEPROVISIONING", "STOPPED"]) {
      await reconcile(life, taskStopped({ ...neverStarted, startedBy, lastStatus }));
    }

    expect(toldOf()).toMatchObject([
      {
        ...{ level: "INFO", jobId: job.jobId, attempt: 1, launch: 1, task: `task/${job.jobId}-1` },
        stoppedReason: "CannotPullContainerError: not found",
      },
    ]);
  });

  test("is told of once where it was a warm one, which no job misses", async () => {
    const startedBy = "warm-5877720-0";
    for (const lastStatus of ["DEPROVISIONING", "STOPPED"]) {
      await reconcile(life, taskStopped({ ...neverStarted, startedBy, lastStatus }));
    }

    expect(toldOf()).toMatchObject([{ task: "task/1", stoppedReason: "CannotPullContainerError: not found" }]);
  });

  test("is none that was stopped, or has ended by itself", async () => {
    await reconcile(life, taskStopped({ stopCode: "UserInitiated" }));
    await reconcile(life, taskStopped({ exitCode: 143 }));

    expect(toldOf()).toEqual([]);
  });
});

describe("what one run says to the operator", () => {
  test("is one line of what it has seen, and none where there was nothing", async () => {
    await reconcile(life, scheduled);
    expect(log).toEqual([]);
    await life.running();

    await reconcile(life, scheduled);

    expect(lines()).toMatchObject([
      { level: "INFO", message: "reconciled", jobs: 1, runners: 1, isComplete: true, trouble: 0 },
    ]);
  });

  test("is that line also where all that there was is a slot that was left behind", async () => {
    const { jobId } = await life.ended(undefined, { tenantId });
    for (const taskId of await life.launcher.listAlive()) life.launcher.end(taskId);
    await life.slots.take(tenantId, jobId, 1);

    await reconcile(life, scheduled);

    expect(lines()).toMatchObject([{ message: "reconciled", jobs: 0, runners: 0, slotsReleased: 1 }]);
  });

  test("is one line for each job that could not be looked after, and it counts as failed", async () => {
    const jobs = [await life.running(), await life.running(), await life.running()];
    const [first, second] = jobs.map(({ jobId }) => jobId);
    life.clock.pass(leaseSeconds + 1);
    const get: typeof life.jobs.get = (jobId) =>
      jobId === first || jobId === second ? Promise.reject(new Error(`no answer\nfor ${jobId}`)) : life.jobs.get(jobId);

    const run = reconcile({ ...life, jobs: { ...life.jobs, get } }, scheduled);

    await expect(run).rejects.toThrow("2 jobs could not be looked after; the next run tries again.");
    for (const line of log) expect(line).toMatch(/^[^\n]+\n$/);
    const errors = lines().filter(({ level }) => level === "ERROR");
    expect(errors.map(({ about }) => about).toSorted()).toEqual([first, second].toSorted());
    expect(errors[0]).toMatchObject({ message: "a job could not be looked after" });
    expect(errors[0].cause).toContain("no answer");
    expect(await life.row(jobs[2]?.jobId ?? "")).toMatchObject({ status: "starting", attempt: 2 });
  });

  test("is the same after a cheap pass", async () => {
    const work = await workForACheapPass();
    life.launcher.failOnce(new Error("ECS is away"));

    await expect(reconcile(life, taskStopped())).rejects.toThrow("1 jobs could not be looked after");

    expect(lines()).toMatchObject([{ level: "ERROR", cause: expect.stringContaining("ECS is away") }]);
    await reconcile(life, scheduled);
    expect(await work.isDone()).toBe(true);
  });

  test("is an error where the jobs cannot be listed: then nothing was done at all", async () => {
    const failing = { ...life.jobs, listLive: () => throwing(new Error("Deploy again.")) };

    await expect(reconcile({ ...life, jobs: failing }, scheduled)).rejects.toThrow("Deploy again.");
  });
});

// biome-ignore lint/correctness/useYield: it fails before it has anything to say
async function* throwing(error: Error): AsyncIterable<string> {
  throw error;
}
