import { describe, expect, test } from "vitest";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { runnerTasks, stopOrphans } from "../../../core/lifecycle/runner-tasks.ts";
import { orphanSeconds } from "../../../core/limits.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

const newLife = () => new Lifecycle(inMemoryStores());

async function see(life: Lifecycle) {
  const jobs = await life.rows(await Array.fromAsync(life.jobs.listLive("active")));
  return runnerTasks(life.launcher, await life.launcher.listAlive(), jobs);
}

describe("of the runners", () => {
  test("those that no job has for its owner are unoccupied", async () => {
    const life = newLife();
    await life.running();
    const starting = await life.starting();

    const { unoccupied, stopped } = await see(life);

    expect(unoccupied).toEqual([{ taskId: life.launcher.taskOf(starting), isAlive: true, launchedAt: life.now() }]);
    expect(stopped.size).toBe(0);
  });

  test("an owner that is not listed and known to have stopped is stopped", async () => {
    const life = newLife();
    const { owner } = await life.running();
    life.launcher.end(owner ?? "");

    expect(await see(life)).toEqual({ unoccupied: [], stopped: new Set([owner]) });
  });

  test("an owner that is not listed and not known may be alive", async () => {
    const life = newLife();
    const { jobId } = await life.running();
    await life.jobs.update(jobId, { status: ["running"] }, { owner: "worker/1" });

    expect((await see(life)).stopped.size).toBe(0);
  });

  test("an owner that is alive and not listed yet is neither", async () => {
    const life = newLife();
    const job = await life.running();

    const seen = await runnerTasks(life.launcher, [], [job]);

    expect(seen).toEqual({ unoccupied: [], stopped: new Set() });
  });

  test("one that stopped after it was listed is not unoccupied", async () => {
    const life = newLife();
    const job = await life.starting();
    const alive = await life.launcher.listAlive();
    life.launcher.end(life.launcher.taskOf(job));

    expect((await runnerTasks(life.launcher, alive, [job])).unoccupied).toEqual([]);
  });

  test("only what the listing leaves open is asked for", async () => {
    const life = newLife();
    await life.running();
    const starting = await life.starting();
    const asked: string[] = [];
    const { describe: describeTasks } = life.launcher;
    life.launcher.describe = (taskIds) => {
      asked.push(...taskIds);
      return describeTasks(taskIds);
    };

    await see(life);

    expect(asked).toEqual([life.launcher.taskOf(starting)]);
  });
});

describe("an orphan", () => {
  test("is a runner that works on no job so long after its launch, and is stopped", async () => {
    const life = newLife();
    const job = await life.starting();
    await cancelJob(life, job);
    life.clock.pass(orphanSeconds + 1);

    expect(await stopOrphans(life, await see(life))).toBe(1);

    expect(life.launcher.stops).toEqual([{ taskId: life.launcher.taskOf(job), why: "It works on no job." }]);
  });

  test("is none while it may still find a job", async () => {
    const life = newLife();
    await cancelJob(life, await life.starting());
    life.clock.pass(orphanSeconds);

    expect(await stopOrphans(life, await see(life))).toBe(0);
    expect(life.launcher.stops).toEqual([]);
  });

  test("is none that works, however long", async () => {
    const life = newLife();
    const job = await life.running();
    life.clock.pass(10 * orphanSeconds);
    await life.renewed(job);

    expect(await stopOrphans(life, await see(life))).toBe(0);
    expect(life.launcher.stops).toEqual([]);
  });

  test("is what is left of a job that has ended without it", async () => {
    const life = newLife();
    const job = await life.running();
    await finishJob(life, job, { status: "succeeded", reason: null });
    life.clock.pass(orphanSeconds + 1);

    expect(await stopOrphans(life, await see(life))).toBe(1);
  });
});
