import { readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import {
  ClientException,
  ClusterNotFoundException,
  ConflictException,
  DescribeTasksCommand,
  InvalidParameterException,
  RunTaskCommand,
  waitUntilTasksRunning,
  waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";
import { describe, expect, test } from "vitest";
import type { TaskCommand } from "../../../local/ecs/ecs-server.ts";
import { forever, script, testEcs } from "./test-ecs.ts";

const quick = { maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 };
const printEnvironment = script("console.log(JSON.stringify(process.env))", { GIVEN: "by the task definition" });

describe("the life of a task", () => {
  test("goes from PROVISIONING over PENDING and RUNNING to STOPPED with the exit code", async () => {
    await using ecs = await testEcs({ runner: script('process.stdin.once("data", () => {}); process.exit(3)') });
    const started = await ecs.run("runner");
    expect(started).toMatchObject({ lastStatus: "PROVISIONING", desiredStatus: "RUNNING", launchType: "FARGATE" });

    await waitUntilTasksStopped(
      { client: ecs.client, ...quick },
      { cluster: ecs.cluster, tasks: [started.taskArn ?? ""] },
    );

    const described = await ecs.client.send(
      new DescribeTasksCommand({ cluster: ecs.cluster, tasks: [started.taskArn ?? ""] }),
    );
    expect(described.tasks).toMatchObject([
      {
        lastStatus: "STOPPED",
        desiredStatus: "STOPPED",
        stopCode: "EssentialContainerExited",
        stoppedReason: "Essential container in task exited",
        containers: [{ name: "runner", lastStatus: "STOPPED", exitCode: 3 }],
      },
    ]);
    const [task] = described.tasks ?? [];
    expect(task?.createdAt).toBeInstanceOf(Date);
    expect(task?.stoppedAt?.getTime()).toBeGreaterThanOrEqual(task?.startedAt?.getTime() ?? Infinity);
  });

  test("satisfies the SDK's waiter for running tasks", async () => {
    await using ecs = await testEcs({ runner: forever });
    const { taskArn = "" } = await ecs.run("runner");
    const waited = await waitUntilTasksRunning(
      { client: ecs.client, ...quick },
      { cluster: ecs.cluster, tasks: [taskArn] },
    );
    expect(waited.state).toBe("SUCCESS");
  });

  test("stays PROVISIONING while its command is still being made", async () => {
    const bundle = Promise.withResolvers<TaskCommand>();
    await using ecs = await testEcs({ runner: () => bundle.promise });
    const task = await ecs.run("runner");
    const describeIt = new DescribeTasksCommand({ cluster: ecs.cluster, tasks: [task.taskArn ?? ""] });
    expect((await ecs.client.send(describeIt)).tasks?.[0]?.lastStatus).toBe("PROVISIONING");
    bundle.resolve(script('console.log("built")'));
    expect(await ecs.firstLine(task)).toBe("built");
  });

  test("ends as TaskFailedToStart where the command cannot be made or does not exist", async () => {
    await using ecs = await testEcs({
      unbuildable: () => Promise.reject(new Error("the bundle has a syntax error")),
      missing: { command: ["/does/not/exist"], environment: {} },
    });
    const unbuildable = await ecs.stopped(await ecs.run("unbuildable"));
    const missing = await ecs.stopped(await ecs.run("missing"));
    expect(unbuildable.detail).toMatchObject({ stopCode: "TaskFailedToStart" });
    expect(unbuildable.detail.stoppedReason).toContain("the bundle has a syntax error");
    expect(missing.detail).toMatchObject({ stopCode: "TaskFailedToStart" });
    expect(missing.detail.stoppedReason).toContain("ENOENT");
    expect(missing.detail.containers[0]).not.toHaveProperty("exitCode");
  });

  test("ends with 128 + the signal's number where a signal ends the process", async () => {
    await using ecs = await testEcs({ crash: script('process.kill(process.pid, "SIGSEGV")') });
    const { detail } = await ecs.stopped(await ecs.run("crash"));
    expect(detail).toMatchObject({ stopCode: "EssentialContainerExited", containers: [{ exitCode: 139 }] });
  });

  test("is told once to whoever listens, as the EventBridge event", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const task = await ecs.run("runner", { startedBy: "01KB-1" });
    const event = await ecs.stopped(task);
    expect(event).toMatchObject({
      source: "aws.ecs",
      "detail-type": "ECS Task State Change",
      resources: [task.taskArn],
      detail: { taskArn: task.taskArn, lastStatus: "STOPPED", startedBy: "01KB-1", containers: [{ exitCode: 0 }] },
    });
    await ecs.shutDown();
    expect(ecs.stoppedEvents).toEqual([event]);
  });
});

describe("the output of a task", () => {
  test("is given line by line, all of it, from stdout and stderr, before the task's end is told", async () => {
    const talk = `
      for (let line = 1; line <= 20_000; line++) process.stdout.write("줄 " + line + "\\n");
      console.error("and a warning");
      process.stdout.write("without a line break");`;
    await using ecs = await testEcs({ runner: script(talk) });
    const task = await ecs.run("runner");
    await ecs.stopped(task);
    const lines = ecs.lines(task);
    expect(lines.filter((line) => line.startsWith("줄"))).toEqual(
      Array.from({ length: 20_000 }, (_, index) => `줄 ${index + 1}`),
    );
    expect(lines).toContain("and a warning");
    expect(lines).toContain("without a line break");
  });
});

describe("what a task gets", () => {
  test("is its own environment, the overrides and the metadata address, and nothing of its host's", async () => {
    await using ecs = await testEcs({ runner: printEnvironment });
    const environment = [{ name: "JOB", value: "웹 01KB" }];
    const task = await ecs.run("runner", { overrides: { containerOverrides: [{ name: "main", environment }] } });
    const taskId = task.taskArn?.split("/").at(-1);
    expect(JSON.parse(await ecs.firstLine(task))).toEqual({
      GIVEN: "by the task definition",
      JOB: "웹 01KB",
      ECS_CONTAINER_METADATA_URI_V4: `${ecs.endpoint}/v4/${taskId}`,
    });
  });

  test("is a folder of its own", async () => {
    await using ecs = await testEcs({ runner: script("console.log(process.cwd())") });
    const tasks = [await ecs.run("runner"), await ecs.run("runner")];
    const folders = await Promise.all(tasks.map((task) => ecs.firstLine(task)));
    const expected = readdirSync(ecs.workingDirectory).map((name) =>
      path.join(realpathSync(ecs.workingDirectory), name),
    );
    expect(folders.toSorted()).toEqual(expected.toSorted());
    expect(new Set(folders).size).toBe(2);
  });

  test("is a standard input that stays open as long as its host lives", async () => {
    await using ecs = await testEcs({
      runner: script('process.stdin.on("end", () => process.exit(9)).resume(); console.log("ready");'),
    });
    const task = await ecs.run("runner");
    await ecs.firstLine(task);
    await ecs.shutDown();
    expect((await ecs.stopped(task)).detail.containers[0]?.exitCode).toBe(143);
  });
});

describe("RunTask", () => {
  test("answers the same task to the same token, also after its end", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const request = { clientToken: "01KB-1", startedBy: "01KB-1" };
    const first = await ecs.run("runner", request);
    const again = await ecs.run("runner", request);
    await ecs.stopped(first);
    const afterItsEnd = await ecs.run("runner", request);
    expect(again.taskArn).toBe(first.taskArn);
    expect(afterItsEnd).toMatchObject({ taskArn: first.taskArn, lastStatus: "STOPPED" });
    expect(ecs.stoppedEvents).toHaveLength(1);
  });

  test("refuses the same token with other parameters as a conflict that names the task", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const { taskArn } = await ecs.run("runner", { clientToken: "01KB-1", startedBy: "one" });
    const other = ecs.run("runner", { clientToken: "01KB-1", startedBy: "two" });
    const error = await other.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConflictException);
    expect(error).toMatchObject({ resourceIds: [taskArn] });
  });

  test("finds the family by name, by revision and by ARN, and knows only the first revision", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const { taskDefinitionArn = "" } = await ecs.run("runner");
    await ecs.run("runner:1");
    await ecs.run(taskDefinitionArn);
    await expect(ecs.run("runner:2")).rejects.toBeInstanceOf(ClientException);
  });

  test("refuses an unknown family and an unknown cluster in the words of ECS", async () => {
    await using ecs = await testEcs({ runner: script("") });
    await expect(ecs.run("nobody")).rejects.toBeInstanceOf(ClientException);
    await expect(ecs.run("constructor")).rejects.toBeInstanceOf(ClientException);
    await expect(ecs.run("runner", { cluster: "other" })).rejects.toBeInstanceOf(ClusterNotFoundException);
    await expect(ecs.client.send(new RunTaskCommand({ taskDefinition: "runner" }))).rejects.toBeInstanceOf(
      ClusterNotFoundException,
    );
  });

  test("starts as many as there is room for and answers the others as failures", async () => {
    await using ecs = await testEcs({ runner: forever }, { maximumTasks: 2 });
    const three = await ecs.client.send(
      new RunTaskCommand({ cluster: ecs.cluster, taskDefinition: "runner", count: 3 }),
    );
    expect(three.tasks).toHaveLength(2);
    expect(three.failures).toEqual([{ reason: expect.stringMatching(/^Capacity is unavailable at this time/) }]);
  });

  test("lets a token that started nothing for lack of room be tried again", async () => {
    const [first, second] = [Promise.withResolvers<TaskCommand>(), Promise.withResolvers<TaskCommand>()];
    const commands = [first.promise, second.promise];
    await using ecs = await testEcs({ runner: () => commands.shift() ?? Promise.reject() }, { maximumTasks: 1 });
    const running = await ecs.run("runner");
    await expect(ecs.run("runner", { clientToken: "01KB-1" })).rejects.toThrow("Capacity is unavailable");
    first.resolve(script(""));
    await ecs.stopped(running);
    expect(await ecs.run("runner", { clientToken: "01KB-1" })).toMatchObject({ lastStatus: "PROVISIONING" });
  });

  test.for([
    ["a count of 0", { count: 0 }],
    ["a count of 11", { count: 11 }],
    ["a token of 65 characters", { clientToken: "x".repeat(65) }],
    ["a startedBy of 129 characters", { startedBy: "x".repeat(129) }],
    ["another command, which would have no effect", { overrides: { containerOverrides: [{ command: ["ls"] }] } }],
    [
      "overrides of more than 8,192 bytes",
      { overrides: { containerOverrides: [{ environment: [{ name: "A", value: "가".repeat(2_730) }] }] } },
    ],
  ] as const)("refuses %s", async ([, request]) => {
    await using ecs = await testEcs({ runner: script("") });
    await expect(ecs.run("runner", structuredClone(request) as object)).rejects.toBeInstanceOf(
      InvalidParameterException,
    );
  });

  test("takes overrides of exactly 8,192 bytes", async () => {
    await using ecs = await testEcs({ runner: script("console.log(process.env.A.length)") });
    const overrides = (value: string) => ({ containerOverrides: [{ environment: [{ name: "A", value }] }] });
    const room = 8_192 - JSON.stringify(overrides("")).length;
    const task = await ecs.run("runner", { overrides: overrides("x".repeat(room)) });
    expect(await ecs.firstLine(task)).toBe(String(room));
    await expect(ecs.run("runner", { overrides: overrides("x".repeat(room + 1)) })).rejects.toThrow("8192");
  });

  test("accepts what has no effect here", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const task = await ecs.run("runner", {
      launchType: "FARGATE",
      enableExecuteCommand: true,
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], assignPublicIp: "ENABLED" } },
      tags: [{ key: "job", value: "01KB" }],
      propagateTags: "TASK_DEFINITION",
      overrides: { cpu: "1024", memory: "2048" },
    });
    expect(task).toMatchObject({ enableExecuteCommand: true, tags: [{ key: "job", value: "01KB" }] });
  });
});
