import { ulid } from "ulid";
import { afterEach, expect, test } from "vitest";
import type { JobHint, RunnerLauncher } from "../../core/ports.ts";

/** What every launcher does. */
export interface LauncherUnderTest {
  readonly launcher: RunnerLauncher;
  /** The tasks that run for this attempt. */
  tasksOf(hint: JobHint): Promise<readonly string[]>;
  /** Ends what other tests have launched. */
  makeRoom?(): Promise<void>;
}

export function runnerLauncherContract({ launcher, tasksOf, makeRoom }: LauncherUnderTest): void {
  if (makeRoom) afterEach(makeRoom);
  const newHint = () => ({ jobId: ulid(), attempt: 1 });

  async function launchedTask(): Promise<{ hint: JobHint; taskId: string }> {
    const hint = newHint();
    await launcher.launch(hint);
    const [taskId = ""] = await tasksOf(hint);
    return { hint, taskId };
  }

  test("A launch starts one task, known by its job and attempt and by its own id", async () => {
    const { hint, taskId } = await launchedTask();

    expect(await launcher.isLaunched(hint)).toBe(true);
    expect(await launcher.state(taskId)).toBe("alive");
  });

  test("The same launch again starts nothing new", async () => {
    const { hint, taskId } = await launchedTask();

    await launcher.launch(hint);

    expect(await tasksOf(hint)).toEqual([taskId]);
  });

  test("Another attempt of the job is another task", async () => {
    const { hint, taskId } = await launchedTask();
    const next = { ...hint, attempt: 2 };

    expect(await launcher.isLaunched(next)).toBe(false);
    await launcher.launch(next);

    expect(await launcher.isLaunched(next)).toBe(true);
    expect(await tasksOf(next)).not.toContain(taskId);
  });

  test("A task that was told to stop counts as no launch any more", async () => {
    const { hint, taskId } = await launchedTask();

    await launcher.stop(taskId, "a test");

    expect(await launcher.isLaunched(hint)).toBe(false);
  });

  test("A task that nobody remembers is unknown, and may be told to stop all the same", async () => {
    expect(await launcher.state(ulid())).toBe("unknown");
    expect(await launcher.isLaunched(newHint())).toBe(false);
    await expect(launcher.stop(ulid(), "a test")).resolves.toBeUndefined();
  });

  test("Stopping twice is the same as once", async () => {
    const { taskId } = await launchedTask();

    await launcher.stop(taskId, "a test");

    await expect(launcher.stop(taskId, "a test")).resolves.toBeUndefined();
  });
}
