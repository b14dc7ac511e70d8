import { beforeEach, describe, expect, test } from "vitest";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { launchSettleSeconds, orphanSeconds, warmLaunchMinutes, warmRunnerSeconds } from "../../../core/limits.ts";
import { inMemoryEventLog } from "../../fakes/in-memory-event-log.ts";
import { inMemoryJobStore } from "../../fakes/in-memory-job-store.ts";
import { inMemoryTenantSlots } from "../../fakes/in-memory-tenant-slots.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

let life: Lifecycle;
beforeEach(() => {
  const [jobs, events, slots] = [inMemoryJobStore(), inMemoryEventLog(), inMemoryTenantSlots()];
  life = new Lifecycle({ jobs, events, slots });
});

const minute = 60;
const reconcile = (warmRunners: number) => reconcileJobs({ ...life, warmRunners });
const alive = () => life.launcher.listAlive();

describe("without jobs", () => {
  test("there are as many warm runners as were asked for, and no run adds to them", async () => {
    for (let run = 0; run < 3; run++) {
      await reconcile(2);
      life.clock.pass(minute);
    }

    expect(await alive()).toHaveLength(2);
  });

  test("there are none, unless it is said", async () => {
    await reconcileJobs(life);

    expect(await alive()).toEqual([]);
  });

  test("two runs at the same time start no more", async () => {
    await Promise.all([reconcile(2), reconcile(2)]);

    expect(await alive()).toHaveLength(2);
  });

  test("one that has waited in vain and exited is replaced", async () => {
    await reconcile(2);
    const [first = ""] = await alive();
    life.launcher.end(first);
    life.clock.pass(warmLaunchMinutes * minute);

    await reconcile(2);

    expect(await alive()).toHaveLength(2);
  });

  test("where each of them ends at once, no more than are wanted are launched in five minutes", async () => {
    for (let run = 0; run < 30; run++) {
      await reconcile(2);
      for (const taskId of await alive()) life.launcher.end(taskId, "CannotPullContainerError");
      life.clock.pass(minute);
    }

    // Half an hour touches seven such periods at most.
    expect(life.launcher.warm.length).toBeLessThanOrEqual(2 * 7);
    await reconcile(2);
    life.clock.pass(warmLaunchMinutes * minute);
    await reconcile(2);
    expect(await alive()).toHaveLength(2);
  });

  test("where there is no room for them, that is no trouble", async () => {
    life.launcher.hasRoomFor(1);

    const { trouble } = await reconcile(3);

    expect(trouble).toEqual([]);
    expect(await alive()).toHaveLength(1);
  });

  test("a launch that ECS refuses is told", async () => {
    life.launcher.refuse("no such subnet");

    expect((await reconcile(1)).trouble).toMatchObject([{ about: "the warm runners" }]);
  });

  test("one exits before it would be stopped as an orphan, with time to start and to claim", () => {
    expect(orphanSeconds - warmRunnerSeconds).toBeGreaterThanOrEqual(120);
  });
});

describe("with jobs", () => {
  test("the runner that was launched for a job takes the place of the warm one that took it", async () => {
    await reconcile(1);
    const [warm = ""] = await alive();
    const job = await life.starting();
    await claimJob(life, job, { owner: warm, maxMinutes: 60 });
    life.clock.pass(minute);

    await reconcile(1);

    expect(await alive()).toHaveLength(2);
    expect(life.launcher.warm).toHaveLength(1);
  });

  test("runners on their way to a job are not taken for warm ones, whether they are listed yet or not", async () => {
    await life.starting();
    await reconcile(1);
    expect(life.launcher.warm).toHaveLength(0);

    life.clock.pass(launchSettleSeconds + 1);
    await reconcile(1);

    expect(life.launcher.warm).toHaveLength(1);
    expect(await alive()).toHaveLength(2);
  });

  test("jobs that wait for room come first", async () => {
    life.launcher.hasRoomFor(0);
    const job = await life.starting();
    expect(job.waiting).toBe("capacity");
    life.launcher.hasRoomFor(1);

    await reconcile(1);

    expect(life.launcher.launches).toMatchObject([{ jobId: job.jobId }]);
    expect(life.launcher.warm).toEqual([]);
  });
});
