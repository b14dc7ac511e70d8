import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { DescribeTasksCommand, InvalidParameterException, StopTaskCommand, type Task } from "@aws-sdk/client-ecs";
import { describe, expect, test, vi } from "vitest";
import type { TaskCommand } from "../../../local/ecs/ecs-server.ts";
import { forever, isRunning, script, type TestEcs, testEcs } from "./test-ecs.ts";

const stop = (ecs: TestEcs, task: Task, reason?: string) =>
  ecs.client.send(new StopTaskCommand({ cluster: ecs.cluster, task: task.taskArn, ...(reason ? { reason } : {}) }));

const ignoresSigterm = script('process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)');
/** Its shell starts another process, says which, and waits for it. */
const withGrandchild: TaskCommand = { command: ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], environment: {} };

describe("StopTask", () => {
  test("asks the process to end with SIGTERM and says who wanted it", async () => {
    await using ecs = await testEcs({
      runner: script('process.on("SIGTERM", () => process.exit(7)); console.log("ready"); setInterval(() => {}, 1000)'),
    });
    const task = await ecs.run("runner");
    await ecs.firstLine(task);
    const answer = await stop(ecs, task, "the job was cancelled");
    expect(answer.task).toMatchObject({ lastStatus: "STOPPING", desiredStatus: "STOPPED" });
    expect((await ecs.stopped(task)).detail).toMatchObject({
      stopCode: "UserInitiated",
      stoppedReason: "the job was cancelled",
      containers: [{ exitCode: 7 }],
    });
  });

  test("kills a process that ignores SIGTERM after the stop timeout: exit code 137", async () => {
    await using ecs = await testEcs({ runner: ignoresSigterm }, { stopTimeoutSeconds: 0.2 });
    const task = await ecs.run("runner");
    const pid = Number(await ecs.firstLine(task));
    await stop(ecs, task);
    const { detail } = await ecs.stopped(task);
    expect(detail).toMatchObject({ stopCode: "UserInitiated", containers: [{ exitCode: 137 }] });
    expect(isRunning(pid)).toBe(false);
  });

  test("ends a task whose command is still being made without ever starting it", async () => {
    const bundle = Promise.withResolvers<TaskCommand>();
    await using ecs = await testEcs({ runner: () => bundle.promise });
    const task = await ecs.run("runner");
    await stop(ecs, task);
    const { detail } = await ecs.stopped(task);
    bundle.resolve(forever);
    expect(detail).toMatchObject({ stopCode: "UserInitiated" });
    expect(detail.containers[0]).not.toHaveProperty("exitCode");
    expect(detail).not.toHaveProperty("startedAt");
  });

  test("changes nothing about a task that has ended, and is told once only", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const task = await ecs.run("runner");
    await ecs.stopped(task);
    const answer = await stop(ecs, task, "too late");
    expect(answer.task).toMatchObject({ lastStatus: "STOPPED", stopCode: "EssentialContainerExited" });
    expect(ecs.stoppedEvents).toHaveLength(1);
  });

  test("keeps the first reason where it is asked twice", async () => {
    await using ecs = await testEcs({ runner: forever });
    const task = await ecs.run("runner");
    await ecs.firstLine(task);
    await Promise.all([stop(ecs, task, "first"), stop(ecs, task, "first")]);
    await stop(ecs, task, "second");
    expect((await ecs.stopped(task)).detail.stoppedReason).toBe("first");
  });

  test("refuses a task that nobody knows", async () => {
    await using ecs = await testEcs({});
    await expect(stop(ecs, { taskArn: "0123456789abcdef" })).rejects.toBeInstanceOf(InvalidParameterException);
  });
});

describe("the end of a task", () => {
  test("takes along what its process has started", async () => {
    await using ecs = await testEcs({ runner: withGrandchild });
    const task = await ecs.run("runner");
    const grandchild = Number(await ecs.firstLine(task));
    expect(isRunning(grandchild)).toBe(true);
    await stop(ecs, task);
    await ecs.stopped(task);
    await vi.waitFor(() => expect(isRunning(grandchild)).toBe(false));
  });

  test("does not wait for a daemon that keeps the output open", async () => {
    const leaveDaemon = `
      const { spawn } = require("node:child_process");
      const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "inherit" });
      console.log(daemon.pid);
      daemon.unref();`;
    await using ecs = await testEcs({ runner: script(leaveDaemon) });
    const task = await ecs.run("runner");
    const daemon = Number(await ecs.firstLine(task));
    expect((await ecs.stopped(task)).detail.containers[0]?.exitCode).toBe(0);
    expect(isRunning(daemon)).toBe(true);
    process.kill(daemon, "SIGKILL");
  });
});

describe("the end of the server", () => {
  test("leaves no process, not even one that ignores SIGTERM, and no task untold", async () => {
    await using ecs = await testEcs(
      { polite: script("console.log(process.pid); setInterval(() => {}, 1000)"), ignoresSigterm },
      { stopTimeoutSeconds: 0.2 },
    );
    const tasks = [await ecs.run("polite"), await ecs.run("ignoresSigterm")];
    const pids = (await Promise.all(tasks.map((task) => ecs.firstLine(task)))).map(Number);
    expect(pids.map(isRunning)).toEqual([true, true]);
    await ecs.shutDown();
    expect(pids.map(isRunning)).toEqual([false, false]);
    expect(ecs.stoppedEvents.map(({ detail }) => detail.containers[0]?.exitCode).toSorted()).toEqual([137, 143]);
  });

  test("starts no task any more while it waits for those that are ending", async () => {
    await using ecs = await testEcs({ ignoresSigterm }, { stopTimeoutSeconds: 0.5 });
    await ecs.firstLine(await ecs.run("ignoresSigterm"));
    const down = ecs.shutDown();
    await expect(ecs.run("ignoresSigterm")).rejects.toMatchObject({ name: "ServerException" });
    await down;
  });

  test("does not wait for a command that is never made", async () => {
    await using ecs = await testEcs({ runner: () => new Promise<TaskCommand>(() => {}) });
    const task = await ecs.run("runner");
    await ecs.shutDown();
    expect((await ecs.stopped(task)).detail.stopCode).toBe("UserInitiated");
  });

  test("reaches a task by the end of its standard input, where the host is killed outright", async () => {
    const workingDirectory = await mkdtemp(path.join(tmpdir(), "omx-web-ecs-"));
    const onEof = 'process.stdin.on("end", () => process.exit()).resume(); console.log(process.pid);';
    const host = `
      import { startEcs } from ${JSON.stringify(new URL("../../../local/ecs/ecs-server.ts", import.meta.url).href)};
      const ecs = await startEcs({
        port: 0,
        workingDirectory: ${JSON.stringify(workingDirectory)},
        taskDefinitions: { runner: async () => (${JSON.stringify(script(onEof))}) },
        maximumTasks: 1,
        stopTimeoutSeconds: 1,
        onTaskStopped() {},
        onTaskOutput: (taskArn, line) => console.log(line),
      });
      const headers = { "x-amz-target": "AmazonEC2ContainerServiceV20141113.RunTask" };
      const body = JSON.stringify({ cluster: ecs.clusterName, taskDefinition: "runner" });
      await fetch(ecs.endpoint, { method: "POST", headers, body });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", host]);
    const [firstLine] = await once(createInterface(child.stdout), "line");
    const pid = Number(firstLine);
    expect(isRunning(pid)).toBe(true);
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000);
    await rm(workingDirectory, { recursive: true });
  });

  test("stops listening", async () => {
    await using ecs = await testEcs({});
    await ecs.shutDown();
    const describeIt = new DescribeTasksCommand({ cluster: ecs.cluster, tasks: ["0123456789abcdef"] });
    await expect(ecs.client.send(describeIt)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
