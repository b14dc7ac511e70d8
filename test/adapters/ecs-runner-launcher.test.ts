import { DescribeTasksCommand, ECSClient, RunTaskCommand, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import { ulid } from "ulid";
import { afterAll, describe, expect, test } from "vitest";
import { ecsRunnerLauncher } from "../../adapters/ecs-runner-launcher.ts";
import { LaunchRefused, NoCapacity } from "../../core/errors.ts";
import type { Launch } from "../../core/ports.ts";
import { runnerLauncherContract } from "../contracts/runner-launcher.contract.ts";
import { upTo } from "../helpers/events.ts";
import { forever, testEcs } from "../local/ecs/test-ecs.ts";

const maximumTasks = 3;
const ecs = await testEcs({ runner: forever }, { maximumTasks });
afterAll(() => ecs[Symbol.asyncDispose]());
const { client, cluster } = ecs;

const settings = { cluster, taskDefinition: "runner", subnets: [], securityGroups: [], assignPublicIp: true };
const launcher = ecsRunnerLauncher(client, settings);
const offline = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const newLaunch = (): Launch => ({ jobId: ulid(), attempt: 1, launch: 1 });
const stopped = (taskId: string) => ecs.stopped({ taskArn: taskId });

/** ECS answers a token with the task that it has started. */
async function taskOf({ jobId, launch }: Launch): Promise<string> {
  const again: RunTaskCommandInput = {
    ...{ cluster, taskDefinition: "runner", launchType: "FARGATE", enableExecuteCommand: true },
    ...{ clientToken: `${jobId}-${launch}`, startedBy: `${jobId}-${launch}` },
  };
  const { tasks } = await client.send(new RunTaskCommand(again));
  return tasks?.[0]?.taskArn ?? "none";
}

/** Ends all tasks, so that there is room again. */
async function makeRoom(): Promise<void> {
  await Promise.all(
    (await launcher.listAlive()).map(async (taskId) => {
      await launcher.stop(taskId, "making room");
      await stopped(taskId);
    }),
  );
}

runnerLauncherContract({ launcher, taskOf, ended: stopped, makeRoom });

test("A task is stopped with the reason that is given, and is not alive before its process has begun nor after its end", async () => {
  const launch = newLaunch();
  await launcher.launch(launch);
  const taskId = await taskOf(launch);

  expect(await launcher.describe([taskId])).toMatchObject([{ isAlive: true }]);
  await launcher.stop(taskId, "The lease of its job is over.");
  await stopped(taskId);

  const { tasks } = await client.send(new DescribeTasksCommand({ cluster, tasks: [taskId] }));
  expect(await launcher.describe([taskId])).toMatchObject([{ isAlive: false }]);
  expect(tasks?.[0]?.stoppedReason).toBe("The lease of its job is over.");
});

test("Only tasks of the own family are listed", async () => {
  await launcher.launch(newLaunch());

  expect(await launcher.listAlive()).toHaveLength(1);
  expect(await ecsRunnerLauncher(client, { ...settings, taskDefinition: "another" }).listAlive()).toEqual([]);
  await makeRoom();
});

/** Answers in the place of ECS, and keeps what was asked. */
function answering(answer: (command: string, input: Record<string, unknown>) => object) {
  const asked: { command: string; input: Record<string, unknown> }[] = [];
  const fake = new ECSClient({ ...offline, maxAttempts: 1 });
  fake.middlewareStack.add(
    (_next, context) => async (parameters) => {
      const [command, input] = [context.commandName ?? "", parameters.input as unknown as Record<string, unknown>];
      asked.push({ command, input });
      return { output: answer(command, input) as never, response: undefined };
    },
    { step: "initialize" },
  );
  return { launcher: ecsRunnerLauncher(fake, settings), asked };
}

/** An error as the SDK makes it of an answer of ECS; the client's own classes come from the wire only. */
function refusing(type: string, message: string) {
  const fake = new ECSClient({ ...offline, maxAttempts: 1 });
  fake.middlewareStack.add(
    () => async () => ({
      response: {
        ...{ statusCode: 400, headers: { "content-type": "application/x-amz-json-1.1" } },
        body: Buffer.from(JSON.stringify({ __type: type, message })),
      },
    }),
    { step: "deserialize", priority: "low" },
  );
  return ecsRunnerLauncher(fake, settings);
}

describe("a launch is refused for good", () => {
  test("where there is no such task definition, with what ECS said", async () => {
    const misconfigured = ecsRunnerLauncher(client, { ...settings, taskDefinition: "no-such-family" });

    const launch = misconfigured.launch(newLaunch());

    await expect(launch).rejects.toThrow(LaunchRefused);
    await expect(launch).rejects.toThrow("ECS refused to start a runner: TaskDefinition not found: no-such-family.");
  });

  test("where there is no such cluster", async () => {
    const misconfigured = ecsRunnerLauncher(client, { ...settings, cluster: "no-such-cluster" });

    await expect(misconfigured.launch(newLaunch())).rejects.toThrow(LaunchRefused);
  });

  test.each([
    ["ClientException", "TaskDefinition is inactive"],
    ["ClientException", "ECS was unable to assume the role that was provided for this task."],
    ["InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."],
    ["ClusterNotFoundException", "Cluster not found."],
  ])("where ECS says %s: %s", async (type, message) => {
    const launch = refusing(type, message).launch(newLaunch());

    await expect(launch).rejects.toThrow(LaunchRefused);
    await expect(launch).rejects.toThrow(message);
  });
});

describe("a launch finds no room now", () => {
  test("where ECS starts nothing, with the reason", async () => {
    await makeRoom();
    for (const _task of upTo(maximumTasks)) await launcher.launch(newLaunch());

    const launch = launcher.launch(newLaunch());

    await expect(launch).rejects.toThrow(NoCapacity);
    await expect(launch).rejects.toThrow("ECS started no runner: Capacity is unavailable at this time.");
  });

  test("and there is none left behind: the same launch starts one as soon as there is room", async () => {
    await makeRoom();
    for (const _task of upTo(maximumTasks)) await launcher.launch(newLaunch());
    const launch = newLaunch();
    await expect(launcher.launch(launch)).rejects.toThrow(NoCapacity);
    await makeRoom();

    await launcher.launch(launch);

    expect(await launcher.listAlive()).toHaveLength(1);
    await makeRoom();
  });

  test("with every reason that ECS gives, and without one", async () => {
    const failing = (failures: object[]) => answering(() => ({ tasks: [], failures })).launcher.launch(newLaunch());

    await expect(failing([{ reason: "RESOURCE:CPU" }, { reason: "AGENT" }])).rejects.toThrow("RESOURCE:CPU; AGENT");
    await expect(failing([])).rejects.toThrow(NoCapacity);
  });

  test.each([
    "You've reached the limit on the number of vCPUs you can run concurrently",
    "You’ve reached the limit on the number of tasks you can run concurrently",
    "The Fargate on-demand vCPU resource count quota has been exceeded.",
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
  ])("where a quota of the account is used up, which ECS tells as an error of the client: %s", async (message) => {
    const launch = refusing("ClientException", message).launch(newLaunch());

    await expect(launch).rejects.toThrow(NoCapacity);
    await expect(launch).rejects.toThrow(message);
  });
});

describe("a launch may have been carried out or not, and may be tried again", () => {
  test("where ECS could not be reached", async () => {
    const unreachable = new ECSClient({ ...offline, endpoint: "http://127.0.0.1:1", maxAttempts: 1 });

    const launch = ecsRunnerLauncher(unreachable, settings).launch(newLaunch());

    await expect(launch).rejects.toThrow();
    await expect(launch).rejects.not.toThrow(LaunchRefused);
    await expect(launch).rejects.not.toThrow(NoCapacity);
  });

  test.each([
    ["ThrottlingException", "Rate exceeded"],
    ["ServerException", "Service Unavailable. Please try again later."],
    ["AccessDeniedException", "User is not authorized to perform: ecs:RunTask"],
  ])("where ECS says %s: %s", async (type, message) => {
    const launch = refusing(type, message).launch(newLaunch());

    await expect(launch).rejects.toThrow(message);
    await expect(launch).rejects.not.toThrow(LaunchRefused);
    await expect(launch).rejects.not.toThrow(NoCapacity);
  });
});

test("A launch asks for Fargate in the given network, and says nothing of the job but its id and launch", async () => {
  const asking = new ECSClient(offline);
  const asked = Promise.withResolvers<unknown>();
  asking.middlewareStack.add(
    () =>
      async ({ input }) => {
        asked.resolve(input);
        throw new Error("not sent");
      },
    { step: "initialize" },
  );
  const inNetwork = ecsRunnerLauncher(asking, { ...settings, subnets: ["subnet-1"], securityGroups: ["sg-1"] });
  const launch = { jobId: ulid(), attempt: 2, launch: 5 };
  await expect(inNetwork.launch(launch)).rejects.toThrow("not sent");

  expect(await asked.promise).toEqual({
    cluster,
    taskDefinition: "runner",
    clientToken: `${launch.jobId}-5`,
    startedBy: `${launch.jobId}-5`,
    launchType: "FARGATE",
    enableExecuteCommand: true,
    networkConfiguration: {
      awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"], assignPublicIp: "ENABLED" },
    },
  });
});

describe("of more than a hundred tasks, which is the most that ECS answers at once,", () => {
  const taskArns = upTo(230).map((number) => `arn:aws:ecs:us-east-1:000000000000:task/${cluster}/${number}`);

  test("all are listed", async () => {
    const { launcher: many, asked } = answering((_command, { nextToken }) => {
      const start = Number(nextToken ?? 0);
      const nextStart = start + 100;
      return {
        taskArns: taskArns.slice(start, nextStart),
        nextToken: nextStart < taskArns.length ? `${nextStart}` : undefined,
      };
    });

    expect(await many.listAlive()).toEqual(taskArns);
    expect(asked).toHaveLength(3);
    expect(asked[0]?.input).toMatchObject({ cluster, family: "runner", desiredStatus: "RUNNING" });
  });

  test("all are described, a hundred at a time", async () => {
    const createdAt = new Date("2026-11-22T10:00:00.000Z");
    const { launcher: many, asked } = answering((_command, { tasks }) => ({
      tasks: (tasks as string[]).map((taskArn) => ({ taskArn, lastStatus: "RUNNING", createdAt })),
    }));

    const described = await many.describe(taskArns);

    expect(described.map(({ taskId }) => taskId)).toEqual(taskArns);
    expect(described[0]).toEqual({ taskId: taskArns[0], isAlive: true, launchedAt: createdAt });
    expect(asked.map(({ input }) => (input.tasks as string[]).length)).toEqual([100, 100, 30]);
  });
});

test.each([
  ["PROVISIONING", true],
  ["PENDING", true],
  ["ACTIVATING", true],
  ["RUNNING", true],
  ["DEACTIVATING", true],
  ["STOPPING", true],
  ["DEPROVISIONING", false],
  ["STOPPED", false],
])("A task that is %s is alive as long as its container may be: %s", async (lastStatus, isAlive) => {
  const { launcher: one } = answering(() => ({ tasks: [{ taskArn: "task", lastStatus }] }));

  expect(await one.describe(["task"])).toMatchObject([{ isAlive }]);
});

describe("why a runner has ended", () => {
  const endOf = (task: object) =>
    answering((command) =>
      command === "ListTasksCommand" ? { taskArns: ["task"] } : { tasks: [task] },
    ).launcher.endOf(newLaunch());

  test.each([
    [{ stoppedReason: "CannotPullContainerError: not found" }, "CannotPullContainerError: not found"],
    [
      { stoppedReason: "Essential container in task exited", containers: [{ exitCode: 1 }] },
      "Essential container in task exited; exit code 1",
    ],
    [
      {
        stoppedReason: "Essential container in task exited",
        containers: [{ exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }],
      },
      "Essential container in task exited; OutOfMemoryError: Container killed due to memory usage; exit code 137",
    ],
    [{}, ""],
  ])("is all that ECS says of it: %j", async (said, why) => {
    expect(await endOf({ taskArn: "task", ...said })).toEqual({ taskId: "task", why });
  });

  test("is asked by what the launch was started as, among what has stopped", async () => {
    const { launcher: one, asked } = answering(() => ({ taskArns: [] }));
    const launch = newLaunch();

    expect(await one.endOf(launch)).toBeUndefined();

    const input = { cluster, startedBy: `${launch.jobId}-1`, desiredStatus: "STOPPED" };
    expect(asked).toEqual([{ command: "ListTasksCommand", input }]);
  });

  test("is what could not be started, where it never began", async () => {
    await using broken = await testEcs({ runner: { command: ["/no/such/program"], environment: {} } });
    const own = ecsRunnerLauncher(broken.client, { ...settings, cluster: broken.cluster });
    const launch = newLaunch();
    await own.launch(launch);
    await broken.stopped({ taskArn: (await own.listAlive())[0] ?? broken.stoppedEvents[0]?.detail.taskArn });

    expect((await own.endOf(launch))?.why).toMatch(/^CannotStartContainerError: .*ENOENT/);
  });
});

test.each([
  ["just now", 0, true],
  ["a minute ago", 60_000, false],
])("A warm runner that was created %s is a new one: %s", async (_when, ageMilliseconds, isNew) => {
  const createdAt = new Date(Date.now() - ageMilliseconds);
  const { launcher: one } = answering(() => ({ tasks: [{ taskArn: "task", lastStatus: "RUNNING", createdAt }] }));

  expect(await one.launchWarm("warm-1-0")).toBe(isNew);
});

describe("a name that ECS does not take for a task's", () => {
  /** Refuses a call with any name that is none of this cluster's, as ECS does; the stand-in takes them for unknown tasks. */
  client.middlewareStack.add(
    (next, context) => async (parameters) => {
      const { tasks = [] } = parameters.input as { tasks?: string[] };
      const isKnown = (task: string) => task.includes(`:task/${cluster}/`);
      if (context.commandName !== "DescribeTasksCommand" || tasks.every(isKnown)) return next(parameters);
      return next({ ...parameters, input: { ...parameters.input, tasks: [] } });
    },
    { step: "initialize" },
  );
  const foreign = [
    "runner-8f14e45f",
    "arn:aws:ecs:us-east-1:000000000000:task/another-cluster/0123456789abcdef0123456789abcdef",
  ];

  test("is left out, and the others are described all the same", async () => {
    const launch = newLaunch();
    await launcher.launch(launch);
    const taskId = await taskOf(launch);

    expect((await launcher.describe([...foreign, taskId])).map((task) => task.taskId)).toEqual([taskId]);
    expect(await launcher.describe(foreign)).toEqual([]);
    await makeRoom();
  });

  test("may be told to stop", async () => {
    for (const taskId of foreign) await expect(launcher.stop(taskId, "a test")).resolves.toBeUndefined();
  });
});
