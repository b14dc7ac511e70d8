import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Task } from "@aws-sdk/client-ecs";
import { describe, expect, test, vi } from "vitest";
import { startEcs } from "../../../local/ecs/ecs-server.ts";
import { startEcsProcess } from "./start-ecs-process.ts";
import { forever, isRunning, runTask, script, type TestEcs, testEcs } from "./test-ecs.ts";

const polite = script("console.log(process.pid); setInterval(() => {}, 1000)");
const brief = script("process.exit(3)", { SECRET: "of the task definition" });

const emptyFolder = () => mkdtempDisposable(path.join(tmpdir(), "omx-web-ecs-"));
const inFolder = (folder: { path: string }) => testEcs({ brief }, { workingDirectory: folder.path });
const idOf = ({ taskArn = "" }: Task) => taskArn.split("/").at(-1) ?? "";
const fileOf = (folder: { path: string }, task: Task) => path.join(folder.path, idOf(task), "task.json");

async function end(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000);
}

const changed = (json: string, change: object) => JSON.stringify({ ...JSON.parse(json), ...change });

/** Runs a task to its end on a server of its own, and answers it as that describes it. */
async function endedTask(folder: { path: string }, clientToken = "01KB-1"): Promise<Task> {
  await using ecs = await inFolder(folder);
  const task = await ecs.run("brief", { clientToken });
  await ecs.stopped(task);
  const [ended = task] = await ecs.describe(task);
  return ended;
}

describe("a task whose process ended together with its server", () => {
  test("has stopped for the next one, which tells it, and for those after it, which do not", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const { task, pid } = await first.begin("polite", { clientToken: "01KB-1" });
    await first.kill();
    await end(pid);

    await using second = await testEcs({ polite }, { workingDirectory: folder.path });
    const described = await second.describe(task);
    const event = await second.stopped(task);
    await second.shutDown();
    await using third = await testEcs({ polite }, { workingDirectory: folder.path });

    expect(described).toMatchObject([{ lastStatus: "STOPPED", stopCode: "EssentialContainerExited" }]);
    expect(event.detail.stoppedReason).toBe("Essential container in task exited while the local ECS was not running");
    expect(second.stoppedEvents).toEqual([event]);
    expect(await third.describe(task)).toEqual(described);
    expect((await third.run("polite", { clientToken: "01KB-1" })).taskArn).toBe(task.taskArn);
    await third.shutDown();
    expect(third.stoppedEvents).toEqual([]);
  });

  test("is told only once whoever starts the server has it", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { polite });
    const { pid } = await first.begin("polite");
    await first.kill();
    await end(pid);

    let isStarted = false;
    const toldWhenStarted = Promise.withResolvers<boolean>();
    await using _second = await startEcs({
      port: 0,
      workingDirectory: folder.path,
      taskDefinitions: {},
      maximumTasks: 1,
      stopTimeoutSeconds: 1,
      onTaskStopped: () => toldWhenStarted.resolve(isStarted),
    });
    isStarted = true;

    expect(await toldWhenStarted.promise).toBe(true);
  });

  test("has failed to start where it had no process yet", async () => {
    await using folder = await emptyFolder();
    await using first = await startEcsProcess(folder.path, { neverMade: null });
    const task = await runTask(first.client, "neverMade");
    await first.kill();

    await using second = await inFolder(folder);
    const { detail } = await second.stopped(task);

    expect(detail).toMatchObject({ stopCode: "TaskFailedToStart" });
    expect(detail.stoppedReason).toContain("the local ECS ended before the task had started");
    expect(detail).not.toHaveProperty("startedAt");
  });
});

describe("a task that has ended", () => {
  test("is remembered over a restart, its exit code and its token too, and not told again", async () => {
    await using folder = await emptyFolder();
    const ended = await endedTask(folder);
    await using second = await inFolder(folder);
    expect(ended).toMatchObject({ lastStatus: "STOPPED", containers: [{ exitCode: 3 }] });
    expect(await second.describe(ended)).toEqual([ended]);
    expect((await second.run("brief", { clientToken: "01KB-1" })).taskArn).toBe(ended.taskArn);
    await second.shutDown();
    expect(second.stoppedEvents).toEqual([]);
  });

  test.for([
    [59, true],
    [61, false],
  ] as const)("%i minutes before the start is remembered: %s", async ([minutes, isRemembered]) => {
    await using folder = await emptyFolder();
    const ended = await endedTask(folder);
    const stoppedAt = new Date(Date.now() - minutes * 60_000);
    await writeFile(fileOf(folder, ended), changed(await readFile(fileOf(folder, ended), "utf8"), { stoppedAt }));

    await using second = await inFolder(folder);

    expect(await second.describe(ended)).toHaveLength(isRemembered ? 1 : 0);
    expect(await readdir(folder.path)).toEqual(isRemembered ? [idOf(ended)] : []);
  });

  test("leaves a file that is the user's alone, and without what its task definition gave it", async () => {
    await using folder = await emptyFolder();
    const file = fileOf(folder, await endedTask(folder));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect(await readFile(file, "utf8")).not.toContain("of the task definition");
  });
});

describe("a task's file that is not one", () => {
  const broken: readonly [string, (text: string) => string][] = [
    ["is cut off", (text) => text.slice(0, -10)],
    ["is empty", () => ""],
    ["is no task", () => '{"tasks": []}'],
    ["has a date that is none", (text) => text.replace(/"stoppedAt":"[^"]+"/, '"stoppedAt":"yesterday"')],
    ["is another task's", (text) => text.replace(/"taskId":"[^"]+"/, `"taskId":"${"0".repeat(32)}"`)],
    ["names everybody's process group", (text) => changed(text, { process: { processId: 1, startTime: "1" } })],
  ];
  const linesOf = (ecs: TestEcs, task: Task) => ecs.lines(task).filter((line) => line.includes("task.json"));

  test.for(broken)("because it %s is set aside with one line, once, and all else goes on", async ([, breakIt]) => {
    await using folder = await emptyFolder();
    const [task, other] = [await endedTask(folder), await endedTask(folder, "01KB-2")];
    const text = await readFile(fileOf(folder, task), "utf8");
    expect(breakIt(text)).not.toBe(text);
    await writeFile(fileOf(folder, task), breakIt(text));

    await using second = await inFolder(folder);
    expect(await second.describe(task, other)).toEqual([other]);
    await second.shutDown();
    await using third = await inFolder(folder);

    expect(linesOf(second, task)).toHaveLength(1);
    expect(linesOf(third, task)).toEqual([]);
    expect((await readdir(folder.path)).toSorted()).toEqual([`${idOf(task)}.unreadable`, idOf(other)].toSorted());
    expect(await readFile(path.join(folder.path, `${idOf(task)}.unreadable`, "task.json"), "utf8")).toBe(breakIt(text));
  });
});

describe("the folder of the tasks", () => {
  test("loses what belongs to no task that ever started, and keeps what is somebody else's", async () => {
    await using folder = await emptyFolder();
    const [empty, halfWritten, foreign] = ["a".repeat(32), "b".repeat(32), "notes"];
    for (const name of [empty, halfWritten, foreign]) await mkdir(path.join(folder.path, name));
    await writeFile(path.join(folder.path, halfWritten, "task.json.new"), "{");
    await using _ecs = await inFolder(folder);
    expect(await readdir(folder.path)).toEqual([foreign]);
  });

  test("may not be there yet", async () => {
    await using folder = await emptyFolder();
    await using ecs = await testEcs({ forever }, { workingDirectory: path.join(folder.path, "not", "yet") });
    expect(await ecs.firstLine(await ecs.run("forever"))).toBe("ready");
  });
});
