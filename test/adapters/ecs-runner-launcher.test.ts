import { DescribeTasksCommand, ECSClient, ListTasksCommand } from "@aws-sdk/client-ecs";
import { ulid } from "ulid";
import { afterAll, describe, expect, test } from "vitest";
import { ecsRunnerLauncher } from "../../adapters/ecs-runner-launcher.ts";
import { LaunchRefused } from "../../core/errors.ts";
import { runnerLauncherContract } from "../contracts/runner-launcher.contract.ts";
import { forever, testEcs } from "../local/ecs/test-ecs.ts";

const maximumTasks = 3;
const ecs = await testEcs({ runner: forever }, { maximumTasks });
afterAll(() => ecs[Symbol.asyncDispose]());
const { client, cluster } = ecs;

const settings = { cluster, taskDefinition: "runner", subnets: [], securityGroups: [] };
const launcher = ecsRunnerLauncher(client, settings);
const offline = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const newHint = () => ({ jobId: ulid(), attempt: 1 });

async function tasksOf({ jobId, attempt }: { jobId: string; attempt: number }): Promise<string[]> {
  const list = new ListTasksCommand({ cluster, startedBy: `${jobId}-${attempt}` });
  return (await client.send(list)).taskArns ?? [];
}

/** Ends all tasks, so that there is room again. */
async function makeRoom(): Promise<void> {
  const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster }));
  await Promise.all(
    taskArns.map(async (taskArn) => {
      await launcher.stop(taskArn, "making room");
      await ecs.stopped({ taskArn });
    }),
  );
}

runnerLauncherContract({ launcher, tasksOf, makeRoom });

test("A stopped task is known as such, with the reason that was given", async () => {
  await makeRoom();
  const hint = newHint();
  await launcher.launch(hint);
  const [taskId = ""] = await tasksOf(hint);
  await launcher.stop(taskId, "The lease of its job is over.");
  await ecs.stopped({ taskArn: taskId });

  const { tasks } = await client.send(new DescribeTasksCommand({ cluster, tasks: [taskId] }));

  expect(await launcher.state(taskId)).toBe("stopped");
  expect(tasks?.[0]?.stoppedReason).toBe("The lease of its job is over.");
});

describe("a launch is refused", () => {
  test("where there is no such task definition, with what ECS said", async () => {
    const misconfigured = ecsRunnerLauncher(client, { ...settings, taskDefinition: "no-such-family" });

    const launch = misconfigured.launch(newHint());

    await expect(launch).rejects.toThrow(LaunchRefused);
    await expect(launch).rejects.toThrow("ECS refused to start a runner: TaskDefinition not found: no-such-family.");
  });

  test("where there is no such cluster", async () => {
    const misconfigured = ecsRunnerLauncher(client, { ...settings, cluster: "no-such-cluster" });

    await expect(misconfigured.launch(newHint())).rejects.toThrow(LaunchRefused);
  });

  test("where there is no capacity, with the reason", async () => {
    await makeRoom();
    for (let task = 0; task < maximumTasks; task++) await launcher.launch(newHint());

    const launch = launcher.launch(newHint());

    await expect(launch).rejects.toThrow(LaunchRefused);
    await expect(launch).rejects.toThrow("ECS started no runner: Capacity is unavailable at this time.");
  });
});

test("A launch that ECS could not answer is not refused: it may be tried again", async () => {
  const unreachable = new ECSClient({ ...offline, endpoint: "http://127.0.0.1:1", maxAttempts: 1 });

  const error: unknown = await ecsRunnerLauncher(unreachable, settings)
    .launch(newHint())
    .catch((thrown) => thrown);

  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(LaunchRefused);
});

test("A launch asks for Fargate in the given network, and says nothing of the job but its id and attempt", async () => {
  const hint = newHint();
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
  await expect(inNetwork.launch(hint)).rejects.toThrow("not sent");

  expect(await asked.promise).toEqual({
    cluster,
    taskDefinition: "runner",
    clientToken: `${hint.jobId}-1`,
    startedBy: `${hint.jobId}-1`,
    launchType: "FARGATE",
    enableExecuteCommand: true,
    networkConfiguration: {
      awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"], assignPublicIp: "ENABLED" },
    },
  });
});
