import { readdir } from "node:fs/promises";
import {
  CreateServiceCommand,
  DescribeTasksCommand,
  InvalidParameterException,
  ListTasksCommand,
  paginateListTasks,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { describe, expect, test } from "vitest";
import { forever, script, testEcs } from "./test-ecs.ts";

describe("DescribeTasks", () => {
  test("answers tasks by id and by ARN, and the others as MISSING", async () => {
    await using ecs = await testEcs({ runner: forever });
    const { taskArn = "" } = await ecs.run("runner");
    const [prefix, clusterName, taskId = ""] = taskArn.split("/");
    const answer = await ecs.client.send(
      new DescribeTasksCommand({
        cluster: ecs.cluster,
        tasks: [taskId, taskArn, "0123", `${prefix}/${clusterName}/4567`],
      }),
    );
    expect(answer.tasks?.map((task) => task.taskArn)).toEqual([taskArn, taskArn]);
    expect(answer.failures).toEqual([
      { arn: `${prefix}/${clusterName}/0123`, reason: "MISSING" },
      { arn: `${prefix}/${clusterName}/4567`, reason: "MISSING" },
    ]);
  });

  test("shows tags only where they are asked for", async () => {
    await using ecs = await testEcs({ runner: forever });
    const tags = [{ key: "job", value: "01KB" }];
    const { taskArn = "" } = await ecs.run("runner", { tags });
    const request = { cluster: ecs.cluster, tasks: [taskArn] };
    const without = await ecs.client.send(new DescribeTasksCommand(request));
    const withTags = await ecs.client.send(new DescribeTasksCommand({ ...request, include: ["TAGS"] }));
    expect(without.tasks?.[0]?.tags).toBeUndefined();
    expect(withTags.tasks?.[0]?.tags).toEqual(tags);
  });

  test.for([0, 101])("refuses %i tasks at once", async (count) => {
    await using ecs = await testEcs({});
    const tasks = Array.from({ length: count }, (_, index) => String(index));
    const describeThem = new DescribeTasksCommand({ cluster: ecs.cluster, tasks });
    await expect(ecs.client.send(describeThem)).rejects.toBeInstanceOf(InvalidParameterException);
  });

  test("forgets the oldest ended task, its token and its folder, once more than 1,000 have ended", async () => {
    await using ecs = await testEcs(
      { broken: { command: ["/does/not/exist"], environment: {} } },
      { maximumTasks: 10 },
    );
    const oldest = await ecs.run("broken", { clientToken: "first" });
    await ecs.stopped(oldest);
    const ten = new RunTaskCommand({ cluster: ecs.cluster, taskDefinition: "broken", count: 10 });
    const runTen = async () => {
      const { tasks = [] } = await ecs.client.send(new RunTaskCommand({ ...ten.input }));
      await Promise.all(tasks.map((task) => ecs.stopped(task)));
    };
    const describeOldest = new DescribeTasksCommand({ cluster: ecs.cluster, tasks: [oldest.taskArn ?? ""] });
    for (let round = 0; round < 100; round++) await runTen();
    expect((await ecs.client.send(describeOldest)).tasks).toHaveLength(1);
    await runTen();
    expect((await ecs.client.send(describeOldest)).failures).toMatchObject([{ reason: "MISSING" }]);
    expect(await readdir(ecs.workingDirectory)).not.toContain(oldest.taskArn?.split("/").at(-1));
    expect((await ecs.run("broken", { clientToken: "first" })).taskArn).not.toBe(oldest.taskArn);
  });
});

describe("ListTasks", () => {
  test("filters by startedBy, family and desired status, which is RUNNING where none is given", async () => {
    await using ecs = await testEcs({ one: forever, two: forever });
    const first = await ecs.run("one", { startedBy: "01KB-1" });
    const second = await ecs.run("two", { startedBy: "01KB-2" });
    const third = await ecs.run("two", { startedBy: "01KB-2" });
    const list = async (filter: object) =>
      (await ecs.client.send(new ListTasksCommand({ cluster: ecs.cluster, ...filter }))).taskArns;

    expect(await list({})).toEqual([first.taskArn, second.taskArn, third.taskArn]);
    expect(await list({ startedBy: "01KB-2" })).toEqual([second.taskArn, third.taskArn]);
    expect(await list({ family: "one" })).toEqual([first.taskArn]);
    expect(await list({ startedBy: "nobody" })).toEqual([]);

    await ecs.client.send(new StopTaskCommand({ cluster: ecs.cluster, task: second.taskArn }));
    expect(await list({ startedBy: "01KB-2" })).toEqual([third.taskArn]);
    expect(await list({ desiredStatus: "STOPPED" })).toEqual([second.taskArn]);
  });

  test("gives every task once over the pages, also while tasks end between them", async () => {
    await using ecs = await testEcs({ runner: forever });
    const { tasks = [] } = await ecs.client.send(
      new RunTaskCommand({ cluster: ecs.cluster, taskDefinition: "runner", count: 5 }),
    );
    const listed: (string[] | undefined)[] = [];
    for await (const page of paginateListTasks({ client: ecs.client, pageSize: 2 }, { cluster: ecs.cluster })) {
      listed.push(page.taskArns);
      // Of the first page a task that its token does not name, then the ones that the tokens name.
      const task = page.taskArns?.at(listed.length === 1 ? 0 : -1);
      await ecs.client.send(new StopTaskCommand({ cluster: ecs.cluster, task }));
    }
    expect(listed.map((page) => page?.length)).toEqual([2, 2, 1]);
    expect(listed.flat()).toEqual(tasks.map(({ taskArn }) => taskArn));
  });

  test("refuses a token that it has not given", async () => {
    await using ecs = await testEcs({});
    const list = new ListTasksCommand({ cluster: ecs.cluster, nextToken: "made up" });
    await expect(ecs.client.send(list)).rejects.toBeInstanceOf(InvalidParameterException);
  });
});

describe("the wire", () => {
  test("refuses an operation that is not there and names those that are", async () => {
    await using ecs = await testEcs({});
    const create = new CreateServiceCommand({ cluster: ecs.cluster, serviceName: "workers" });
    await expect(ecs.client.send(create)).rejects.toMatchObject({
      name: "UnsupportedOperation",
      message:
        "The local ECS has no CreateService; it has DescribeTasks, ExecuteCommand, ListTasks, RunTask, StopTask.",
    });
  });

  test("refuses what is no JSON, what has no operation and what has the wrong shape", async () => {
    await using ecs = await testEcs({});
    const post = async (operation: string, body: string) => {
      const headers = { "x-amz-target": `AmazonEC2ContainerServiceV20141113.${operation}` };
      const response = await fetch(ecs.endpoint, { method: "POST", headers, body });
      return { status: response.status, type: Object(await response.json()).__type };
    };
    expect(await post("RunTask", "{")).toMatchObject({ status: 400, type: "SerializationException" });
    expect(await post("", "{}")).toMatchObject({ status: 400, type: "UnsupportedOperation" });
    expect(await post("toString", "{}")).toMatchObject({ status: 400, type: "UnsupportedOperation" });
    expect(await post("RunTask", "[]")).toMatchObject({ status: 400, type: "InvalidParameterException" });
    expect(await post("DescribeTasks", '{"tasks":"all"}')).toMatchObject({ type: "InvalidParameterException" });
  });

  test("survives a client that leaves in the middle of its request", async () => {
    await using ecs = await testEcs({ runner: script("") });
    const leaving = new AbortController();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"task')),
      pull: () => leaving.abort(),
    });
    const headers = { "x-amz-target": "AmazonEC2ContainerServiceV20141113.RunTask" };
    const request = { method: "POST", headers, body, duplex: "half", signal: leaving.signal } as const;
    await expect(fetch(ecs.endpoint, request)).rejects.toThrow();
    expect(await ecs.run("runner")).toMatchObject({ lastStatus: "PROVISIONING" });
  });
});

describe("the task metadata endpoint", () => {
  const askForItself = `
    const uri = process.env.ECS_CONTAINER_METADATA_URI_V4;
    const ask = async (path) => (await fetch(uri + path)).json();
    (async () => console.log(JSON.stringify({ task: await ask("/task"), container: await ask("") })))();`;

  test("tells a task which one it is", async () => {
    await using ecs = await testEcs({ runner: script(askForItself) });
    const started = await ecs.run("runner");
    const { task, container } = JSON.parse(await ecs.firstLine(started));
    expect(task).toMatchObject({
      TaskARN: started.taskArn,
      Cluster: started.clusterArn,
      Family: "runner",
      Revision: "1",
      KnownStatus: "RUNNING",
      LaunchType: "FARGATE",
    });
    expect(container).toMatchObject({ Name: "runner", KnownStatus: "RUNNING" });
  });

  test.for(["/v4/0123456789abcdef/task", "/v4/", "/", "/latest/meta-data"])("answers 404 at %s", async (unknown) => {
    await using ecs = await testEcs({});
    expect((await fetch(`${ecs.endpoint}${unknown}`)).status).toBe(404);
  });
});
