import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConflictException, ListTasksCommand, StopTaskCommand, type Task } from "@aws-sdk/client-ecs";
import { describe, expect, test, vi } from "vitest";
import type { TaskCommand } from "../../../local/ecs/ecs-server.ts";
import { startEcsProcess } from "./start-ecs-process.ts";
import { CLUSTER, describeTasks, isRunning, script, type TestEcs, testEcs } from "./test-ecs.ts";

const polite = script("console.log(process.pid); setInterval(() => {}, 1000)");
const ignoresSigterm = script('process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)');
/** Its shell starts another process, says which, and waits for it. */
const withGrandchild: TaskCommand = { command: ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], environment: {} };
/** Writes down every SIGTERM, and ends by none. */
const countsSigterms = script(`
  process.on("SIGTERM", () => require("node:fs").appendFileSync("signals", "SIGTERM "));
  process.once("SIGTERM", () => console.log("told"));
  console.log(process.pid);
  setInterval(() => {}, 1000)`);

const emptyFolder = () => mkdtempDisposable(path.join(tmpdir(), "omx-web-ecs-"));
const inFolder = (folder: { path: string }, more = {}) =>
  testEcs({ polite }, { workingDirectory: folder.path, ...more });
const stop = (client: TestEcs["client"], task: Task, reason: string) =>
  client.send(new StopTaskCommand({ cluster: CLUSTER, task: task.taskArn, reason }));
const fileOf = (folder: { path: string }, { taskArn = "" }: Task) =>
  path.join(folder.path, taskArn.split("/").at(-1) ?? "", "task.json");

describe("a task whose server was killed", () => {
  test("is answered by the next server as by the one before", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const { task } = await first.begin("polite", {
      startedBy: "01KB-1",
      tags: [{ key: "job", value: "웹" }],
      overrides: { containerOverrides: [{ name: "main", environment: [{ name: "JOB", value: "웹" }] }] },
    });
    const before = await describeTasks(first.client, [task]);
    await first.kill();

    await using second = await inFolder(folder);
    const list = new ListTasksCommand({ cluster: CLUSTER, startedBy: "01KB-1" });

    expect(before).toMatchObject([{ lastStatus: "RUNNING", startedAt: expect.any(Date) }]);
    expect(await second.describe(task)).toEqual(before);
    expect((await second.client.send(list)).taskArns).toEqual([task.taskArn]);
    const metadata = await fetch(`${second.endpoint}/v4/${task.taskArn?.split("/").at(-1)}/task`);
    expect(await metadata.json()).toMatchObject({ TaskARN: task.taskArn, KnownStatus: "RUNNING" });
    expect(second.stoppedEvents).toEqual([]);
  });

  test("takes room like any other", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    await first.begin("polite");
    await first.kill();
    await using second = await inFolder(folder, { maximumTasks: 1 });
    await expect(second.run("polite")).rejects.toThrow("Capacity is unavailable");
  });

  test("is stopped when its process has ended, by itself, with an exit code that nobody knows", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const { task, pid } = await first.begin("polite", { startedBy: "01KB-1" });
    await first.kill();
    await using second = await inFolder(folder);
    process.kill(pid, "SIGKILL");

    const { detail } = await second.stopped(task);

    expect(detail).toMatchObject({ stopCode: "EssentialContainerExited", startedBy: "01KB-1" });
    expect(detail.stoppedReason).toContain("the local ECS was restarted while it ran");
    expect(detail.containers[0]).not.toHaveProperty("exitCode");
    expect(await second.describe(task)).toMatchObject([{ lastStatus: "STOPPED", desiredStatus: "STOPPED" }]);
  });

  test("is known by its token: nothing new is started, and another request is a conflict", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const request = { clientToken: "01KB-1", startedBy: "01KB-1" };
    const { task } = await first.begin("polite", request);
    await first.kill();
    await using second = await inFolder(folder);

    expect((await second.run("polite", request)).taskArn).toBe(task.taskArn);
    const other = second.run("polite", { ...request, startedBy: "01KB-2" });
    await expect(other).rejects.toBeInstanceOf(ConflictException);
    const { taskArns } = await second.client.send(new ListTasksCommand({ cluster: CLUSTER }));
    expect(taskArns).toEqual([task.taskArn]);
  });
});

describe("StopTask of an adopted task", () => {
  test("asks its process to end, and takes along what that has started", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { withGrandchild });
    const { task, pid: grandchild } = await first.begin("withGrandchild");
    await first.kill();
    await using second = await inFolder(folder, { stopTimeoutSeconds: 600 });

    const answer = await stop(second.client, task, "the job was cancelled");
    const { detail } = await second.stopped(task);

    expect(answer.task).toMatchObject({ lastStatus: "STOPPING", desiredStatus: "STOPPED" });
    expect(detail).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "the job was cancelled" });
    await vi.waitFor(() => expect(isRunning(grandchild)).toBe(false));
  });

  test("kills a process that ignores SIGTERM after the stop timeout", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { ignoresSigterm });
    const { task, pid } = await first.begin("ignoresSigterm");
    await first.kill();
    await using second = await inFolder(folder, { stopTimeoutSeconds: 0.2 });

    await stop(second.client, task, "the job was cancelled");
    const { detail } = await second.stopped(task);

    expect(detail).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "the job was cancelled" });
    expect(isRunning(pid)).toBe(false);
  });

  test("that the server before had asked for goes on: no second SIGTERM, SIGKILL when the time is over", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { countsSigterms });
    const { task, pid } = await first.begin("countsSigterms");
    await stop(first.client, task, "the job was cancelled");
    expect(await first.nextLine()).toBe("told");
    await first.kill();

    await using second = await inFolder(folder, { stopTimeoutSeconds: 2 });
    const [described] = await second.describe(task);
    const { detail } = await second.stopped(task);

    expect(described).toMatchObject({ lastStatus: "STOPPING", stoppedReason: "the job was cancelled" });
    expect(detail).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "the job was cancelled" });
    expect(isRunning(pid)).toBe(false);
    expect(await readFile(path.join(path.dirname(fileOf(folder, task)), "signals"), "utf8")).toBe("SIGTERM ");
  });
});

describe("the end of the server", () => {
  test("leaves no adopted process, not even one that ignores SIGTERM, and no task untold", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite, ignoresSigterm });
    const begun = [await first.begin("polite"), await first.begin("ignoresSigterm")];
    await first.kill();
    await using second = await inFolder(folder, { stopTimeoutSeconds: 0.2 });
    expect(begun.map(({ pid }) => isRunning(pid))).toEqual([true, true]);

    await second.shutDown();

    expect(begun.map(({ pid }) => isRunning(pid))).toEqual([false, false]);
    const told = second.stoppedEvents.map(({ detail }) => detail.taskArn);
    expect(told.toSorted()).toEqual(begun.map(({ task }) => task.taskArn).toSorted());
  });
});

describe("a process that has got the id of a task's process", () => {
  test("is neither adopted nor killed: the task has stopped", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const { task, pid } = await first.begin("polite");
    await first.kill();
    const stored = JSON.parse(await readFile(fileOf(folder, task), "utf8"));
    expect(stored.process.processId).toBe(pid);
    stored.process.startTime = `${stored.process.startTime}0`;
    await writeFile(fileOf(folder, task), JSON.stringify(stored));

    await using second = await inFolder(folder, { stopTimeoutSeconds: 0.2 });
    const { detail } = await second.stopped(task);
    await stop(second.client, task, "too late");
    await second.shutDown();

    expect(detail).toMatchObject({ stopCode: "EssentialContainerExited" });
    expect(isRunning(pid)).toBe(true);
  });
});
