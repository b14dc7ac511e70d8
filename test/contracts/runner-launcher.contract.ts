import { ulid } from "ulid";
import { afterEach, expect, test } from "vitest";
import type { Launch, RunnerLauncher } from "../../core/ports.ts";

/** What every launcher does. */
export interface LauncherUnderTest {
  readonly launcher: RunnerLauncher;
  /** The task that this launch has started. */
  taskOf(launch: Launch): Promise<string>;
  /** Resolves when the task, which was told to stop, is not alive any more. */
  ended?(taskId: string): Promise<unknown>;
  /** Ends what other tests have launched. */
  makeRoom?(): Promise<void>;
}

export function runnerLauncherContract({ launcher, taskOf, ended, makeRoom }: LauncherUnderTest): void {
  if (makeRoom) afterEach(makeRoom);
  const newLaunch = (more: Partial<Launch> = {}): Launch => ({ jobId: ulid(), attempt: 1, launch: 1, ...more });

  async function launchedTask(): Promise<{ launch: Launch; taskId: string }> {
    const launch = newLaunch();
    await launcher.launch(launch);
    return { launch, taskId: await taskOf(launch) };
  }

  async function stop(taskId: string): Promise<void> {
    await launcher.stop(taskId, "a test");
    await ended?.(taskId);
  }

  test("A launch starts one task, which is listed and described as alive", async () => {
    const before = await launcher.listAlive();
    const earliest = Date.now() - 1_000;

    const { taskId } = await launchedTask();

    expect((await launcher.listAlive()).filter((task) => !before.includes(task))).toEqual([taskId]);
    const [task] = await launcher.describe([taskId]);
    expect(task).toMatchObject({ taskId, isAlive: true });
    expect(task?.launchedAt.getTime()).toBeGreaterThanOrEqual(earliest);
    expect(task?.launchedAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test("The same launch again starts nothing new", async () => {
    const { launch, taskId } = await launchedTask();
    const alive = await launcher.listAlive();

    await launcher.launch(launch);

    expect(await launcher.listAlive()).toEqual(alive);
    expect(await taskOf(launch)).toBe(taskId);
  });

  test("The same launch again starts nothing new also when its task has ended", async () => {
    const { launch, taskId } = await launchedTask();
    await stop(taskId);

    await launcher.launch(launch);

    expect(await launcher.listAlive()).not.toContain(taskId);
    expect(await launcher.describe([taskId])).toMatchObject([{ isAlive: false }]);
  });

  test("Another launch of the job is another task, whether for the same attempt or the next", async () => {
    const { launch, taskId } = await launchedTask();
    const again = { ...launch, launch: 2 };
    const nextAttempt = { ...launch, launch: 3, attempt: 2 };

    await launcher.launch(again);
    await launcher.launch(nextAttempt);

    const tasks = [taskId, await taskOf(again), await taskOf(nextAttempt)];
    expect(new Set(tasks).size).toBe(3);
    expect(await launcher.listAlive()).toEqual(expect.arrayContaining(tasks));
  });

  test("A warm runner is one task for each name", async () => {
    const before = await launcher.listAlive();
    const name = `warm-${ulid()}`;

    expect(await launcher.launchWarm(name)).toBe(true);
    await launcher.launchWarm(name);

    expect(await launcher.listAlive()).toHaveLength(before.length + 1);
    expect(await launcher.launchWarm(`${name}-1`)).toBe(true);
    expect(await launcher.listAlive()).toHaveLength(before.length + 2);
  });

  test("A task that was told to stop is listed no more, and known to have stopped", async () => {
    const { taskId } = await launchedTask();

    await stop(taskId);

    expect(await launcher.listAlive()).not.toContain(taskId);
    expect(await launcher.describe([taskId])).toMatchObject([{ taskId, isAlive: false }]);
  });

  test("How a launch's task has ended is known by its launch, and nothing of one that lives or never was", async () => {
    const { launch, taskId } = await launchedTask();
    expect(await launcher.endOf(launch)).toBeUndefined();
    await stop(taskId);

    expect(await launcher.endOf(launch)).toEqual({ taskId, why: expect.stringMatching(/^a test/) });
    expect(await launcher.endOf({ ...launch, launch: 2 })).toBeUndefined();
    expect(await launcher.endOf(newLaunch())).toBeUndefined();
  });

  test("Stopping twice is the same as once", async () => {
    const { taskId } = await launchedTask();

    await launcher.stop(taskId, "a test");
    await expect(launcher.stop(taskId, "a test")).resolves.toBeUndefined();
    await ended?.(taskId);
    await expect(launcher.stop(taskId, "a test")).resolves.toBeUndefined();

    expect(await launcher.describe([taskId])).toMatchObject([{ isAlive: false }]);
  });

  test("A task that nobody remembers is left out of the description, and may be told to stop all the same", async () => {
    const { taskId } = await launchedTask();
    const unknown = [ulid(), `runner-${crypto.randomUUID()}`, `${taskId.slice(0, -8)}00000000`];

    expect((await launcher.describe([...unknown, taskId])).map((task) => task.taskId)).toEqual([taskId]);
    expect(await launcher.describe(unknown)).toEqual([]);
    expect(await launcher.describe([])).toEqual([]);
    for (const other of unknown) await expect(launcher.stop(other, "a test")).resolves.toBeUndefined();
  });
}
