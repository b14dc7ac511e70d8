import { describe, expect, test } from "vitest";
import type { JobRecord } from "../../../core/job.ts";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { type LostLaunch, startAgainWhatFoundNoRunner } from "../../../core/lifecycle/lost-launches.ts";
import { runnerTasks } from "../../../core/lifecycle/runner-tasks.ts";
import { Trouble } from "../../../core/lifecycle/trouble.ts";
import { launchSettleSeconds, maximumLostLaunches, startSeconds } from "../../../core/limits.ts";
import type { JobHint, LaunchName } from "../../../core/ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle, orderedIds } from "../../helpers/lifecycle.ts";

const newLife = () => new Lifecycle(inMemoryStores());

/** Looks at the jobs, in no order, and answers what went wrong. */
async function look(life: Lifecycle, stopped?: LaunchName, jobIds?: string[]): Promise<Trouble["errors"]> {
  const trouble = new Trouble();
  await lostIn(life, { stopped, jobIds, trouble });
  return trouble.errors;
}

async function lostIn(
  life: Lifecycle,
  {
    stopped,
    jobIds,
    trouble = new Trouble(),
  }: { stopped?: LaunchName | undefined; jobIds?: string[] | undefined; trouble?: Trouble } = {},
): Promise<LostLaunch[]> {
  const jobs = await life.rows(jobIds ?? (await Array.fromAsync(life.jobs.listLive("active"))));
  const tasks = await runnerTasks(life.launcher, await life.launcher.listAlive(), jobs);
  return startAgainWhatFoundNoRunner(life, jobs.toReversed(), tasks, { stopped, trouble });
}

/** Jobs with a runner each, which none of them has claimed yet, the oldest first. */
async function startingJobs(life: Lifecycle, count: number): Promise<JobRecord[]> {
  const jobs: JobRecord[] = [];
  for (const jobId of orderedIds(count)) jobs.push(await life.starting({ jobId }));
  return jobs;
}

const hintOf = ({ jobId, attempt }: JobRecord): JobHint => ({ jobId, attempt });
const launchOf = ({ jobId, launches }: JobRecord): LaunchName => ({ jobId, launch: launches });

describe("a starting job whose runner is on its way", () => {
  test("is left alone, and gets its hint again in case it was lost", async () => {
    const life = newLife();
    const job = await life.starting();
    life.clock.pass(launchSettleSeconds);

    for (const _ of upTo(3)) await look(life);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.launcher.launches).toHaveLength(1);
    expect(life.queue.sent).toEqual(Array(4).fill(hintOf(job)));
  });

  test("is started again when it takes longer than it may", async () => {
    const life = newLife();
    const job = await life.starting();
    life.clock.pass(startSeconds);

    await look(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", attempt: 1, launches: 2, lostLaunches: 1 });
    expect(life.launcher.launches).toHaveLength(2);
  });
});

describe("a starting job whose runner is gone", () => {
  test("is left alone for as long as the task may not be listed yet", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds - 1);

    await look(life);

    expect(await life.row(job.jobId)).toEqual(job);
    expect(life.queue.sent).toHaveLength(1);
  });

  test("is launched again, in the same attempt", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);

    await look(life);

    const startUntil = life.now().getTime() + startSeconds * 1_000;
    expect(await life.row(job.jobId)).toEqual({ ...job, launches: 2, lostLaunches: 1, startUntil });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: job.jobId, attempt: 1, launch: 2 });
    expect(life.queue.sent).toHaveLength(2);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);
  });

  test("is launched again once by several who look at once", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);

    await Promise.all(upTo(5).map(() => look(life)));

    expect(life.launcher.launches).toHaveLength(2);
    expect(await life.row(job.jobId)).toMatchObject({ launches: 2, lostLaunches: 1 });
  });

  test("is launched again at once when its task is known to have stopped", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));

    await look(life, launchOf(job));

    expect(await life.row(job.jobId)).toMatchObject({ launches: 2, lostLaunches: 1 });
  });

  test("is not launched once more when it is told of that again", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    await look(life, launchOf(job));
    // As long as the new task is not listed, only the number of the launch tells that it is not the one that has stopped.
    life.launcher.end(life.launcher.taskOf(job));

    await look(life, launchOf(job));

    expect(await life.row(job.jobId)).toMatchObject({ launches: 2, lostLaunches: 1 });
  });

  test.each([
    ["another launch", { launch: 2 }],
    ["another job", { jobId: orderedIds(1)[0] ?? "" }],
  ])("is left alone when it was the task of %s that has stopped", async (_what, other) => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));

    await look(life, { ...launchOf(job), ...other });

    expect(await life.row(job.jobId)).toEqual(job);
  });

  test("has failed when the third in a row is gone too, and frees its slot", async () => {
    const life = newLife();
    const job = await life.starting();
    for (const _ of upTo(maximumLostLaunches)) {
      life.launcher.end(life.launcher.taskOf(job));
      life.clock.pass(launchSettleSeconds);
      await look(life);
    }

    expect(life.launcher.launches).toHaveLength(3);
    expect(await life.row(job.jobId)).toMatchObject({
      status: "failed",
      attempt: 1,
      reason: {
        code: "runner_never_started",
        message:
          "3 runners were launched for the job and none of them claimed it. ECS says of the last one: Essential container in task exited",
      },
      lastSeq: 2,
    });
    expect(await life.isLive(job.jobId)).toBe(false);
    expect(await life.holdsSlot(job)).toBe(false);
  });

  describe("for the last time", () => {
    async function lastLaunch(life: Lifecycle): Promise<JobRecord> {
      const job = await life.starting();
      await life.jobs.update(job.jobId, { status: ["starting"] }, { lostLaunches: maximumLostLaunches - 1 });
      life.clock.pass(startSeconds);
      return job;
    }
    const failed = "3 runners were launched for the job and none of them claimed it.";
    const messageOf = async (life: Lifecycle, { jobId }: JobRecord) => (await life.row(jobId)).reason?.message;

    test("has failed with what ECS says of the end, and no more than so much of it", async () => {
      const life = newLife();
      const job = await lastLaunch(life);
      life.launcher.end(life.launcher.taskOf(job), `CannotPullContainerError: ${"x".repeat(10_000)}`);

      await look(life);

      const message = await messageOf(life, job);
      expect(message).toContain(`${failed} ECS says of the last one: CannotPullContainerError: xxx`);
      expect(message?.length).toBeLessThan(650);
    });

    test("has failed without it where the task has not stopped", async () => {
      const life = newLife();
      const job = await lastLaunch(life);

      await look(life);

      expect(await messageOf(life, job)).toBe(failed);
    });

    test("has failed all the same where ECS does not answer", async () => {
      const life = newLife();
      const job = await lastLaunch(life);
      life.launcher.endOf = () => Promise.reject(new Error("Rate exceeded"));

      expect(await look(life)).toEqual([{ about: job.jobId, error: new Error("Rate exceeded") }]);

      expect(await messageOf(life, job)).toBe(failed);
    });
  });

  test("is told of, with its task and why that has ended, by the one who launches again", async () => {
    const life = newLife();
    const job = await life.starting();
    const taskId = life.launcher.taskOf(job);
    life.launcher.end(taskId, "CannotPullContainerError: not found");
    life.clock.pass(launchSettleSeconds);

    const lost = (await Promise.all(upTo(5).map(() => lostIn(life)))).flat();

    const end = { taskId, why: "CannotPullContainerError: not found" };
    expect(lost).toEqual([{ jobId: job.jobId, attempt: 1, launch: 1, end }]);
  });

  test("is none to be told of while it may still come", async () => {
    const life = newLife();
    await life.starting();
    life.clock.pass(launchSettleSeconds);

    expect(await lostIn(life)).toEqual([]);
  });

  test("is not failed when its last runner claims it while one looks", async () => {
    const life = newLife();
    const job = await life.starting();
    await life.jobs.update(job.jobId, { status: ["starting"] }, { lostLaunches: maximumLostLaunches - 1 });
    life.clock.pass(startSeconds);
    const claiming = {
      ...life.jobs,
      update: async (...parameters: Parameters<typeof life.jobs.update>) => {
        if (parameters[2].status === "failed") await life.claimed(job);
        return life.jobs.update(...parameters);
      },
    };
    const seen = await life.row(job.jobId);
    const tasks = { unoccupied: [], stopped: new Set<string>() };

    await startAgainWhatFoundNoRunner({ ...life, jobs: claiming }, [seen], tasks, {
      stopped: undefined,
      trouble: new Trouble(),
    });

    expect(await life.row(job.jobId)).toMatchObject({ status: "running", lostLaunches: 0 });
  });

  test("waits without being counted as lost again when there is no room for the next one", async () => {
    const life = newLife();
    const job = await life.starting();
    life.launcher.end(life.launcher.taskOf(job));
    life.launcher.hasRoomFor(0);
    life.clock.pass(launchSettleSeconds);
    await look(life);
    expect(await life.row(job.jobId)).toMatchObject({ waiting: "capacity", startUntil: null, lostLaunches: 1 });

    life.clock.pass(startSeconds);
    await look(life);

    expect(await life.row(job.jobId)).toMatchObject({ status: "starting", launches: 2, lostLaunches: 1 });
  });
});

describe("several starting jobs", () => {
  test("share the runners that are there, the oldest first; for the others one is launched each", async () => {
    const life = newLife();
    const [first, second, third] = await startingJobs(life, 3);
    if (!first || !second || !third) throw new Error("jobs are missing");
    for (const job of [first, second]) life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);

    await look(life);

    const launches = (await life.rows([first, second, third].map(({ jobId }) => jobId))).map((job) => job.launches);
    expect(launches).toEqual([1, 2, 2]);
    expect(await life.launcher.listAlive()).toHaveLength(3);
    expect(life.queue.sent.slice(3)).toEqual([first, second, third].map(hintOf));
  });

  test("do not count on a runner that has taken another job", async () => {
    const life = newLife();
    const [first, second] = await startingJobs(life, 2);
    if (!first || !second) throw new Error("jobs are missing");
    // The second job's runner was the first at the queue, and the first job's is gone.
    await claimJob(life, first, { owner: life.launcher.taskOf(second), maxMinutes: 60 });
    life.launcher.end(life.launcher.taskOf(first));
    life.clock.pass(launchSettleSeconds);

    await look(life);

    expect(await life.row(second.jobId)).toMatchObject({ launches: 2, lostLaunches: 1 });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: second.jobId, attempt: 1, launch: 2 });
  });

  test("do not count on a runner that was launched a moment ago for another", async () => {
    const life = newLife();
    const [first] = await startingJobs(life, 1);
    if (!first) throw new Error("the job is missing");
    life.launcher.end(life.launcher.taskOf(first));
    life.clock.pass(launchSettleSeconds);
    const young = await life.starting();

    await look(life);

    expect((await life.row(first.jobId)).launches).toBe(2);
    expect(await life.row(young.jobId)).toEqual(young);
  });

  test("do not wait for one another: what goes wrong with one is told of, and the next has its turn", async () => {
    const life = newLife();
    const [first, second] = await startingJobs(life, 2);
    if (!first || !second) throw new Error("jobs are missing");
    for (const job of [first, second]) life.launcher.end(life.launcher.taskOf(job));
    life.clock.pass(launchSettleSeconds);
    const { launch } = life.launcher;
    life.launcher.launch = (wanted) =>
      wanted.jobId === first.jobId ? Promise.reject(new Error("Rate exceeded")) : launch(wanted);

    expect(await look(life)).toEqual([{ about: first.jobId, error: new Error("Rate exceeded") }]);

    expect(await life.row(first.jobId)).toMatchObject({ status: "starting", startUntil: null });
    expect(life.launcher.launches.at(-1)).toEqual({ jobId: second.jobId, attempt: 1, launch: 2 });
  });
});

test("A job that is due, running or ended is none that waits for its runner", async () => {
  const life = newLife();
  const jobs = [await life.running(), await life.ended()];
  life.launcher.hasRoomFor(0);
  jobs.push(await life.starting());
  life.launcher.hasRoomFor(10);
  life.clock.pass(startSeconds);
  const before = life.launcher.launches.length;
  const ids = jobs.map(({ jobId }) => jobId);

  expect(await look(life, undefined, ids)).toEqual([]);

  expect(life.launcher.launches).toHaveLength(before);
  expect(await life.rows(ids)).toEqual(jobs);
});

test("A runner that was launched a moment ago and is not listed yet takes no other job's runner from it", async () => {
  const life = newLife();
  const older = await life.starting();
  life.clock.pass(launchSettleSeconds);
  const alive = await life.launcher.listAlive();
  const newer = await life.starting();
  const jobs = [await life.row(older.jobId), await life.row(newer.jobId)];
  const tasks = await runnerTasks(life.launcher, alive, jobs);

  await startAgainWhatFoundNoRunner(life, jobs, tasks, { stopped: undefined, trouble: new Trouble() });

  expect(life.launcher.launches).toHaveLength(2);
  expect(await life.row(older.jobId)).toEqual(older);
});
