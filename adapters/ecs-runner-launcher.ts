import {
  ClientException,
  ClusterNotFoundException,
  DescribeTasksCommand,
  type ECSClient,
  InvalidParameterException,
  ListTasksCommand,
  paginateListTasks,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { LaunchRefused, NoCapacity } from "../core/errors.ts";
import type { LaunchName, RunnerEnd, RunnerLauncher, RunnerTask } from "../core/ports.ts";

export interface EcsSettings {
  readonly cluster: string;
  /** The family, not a revision: a deploy may retire the revision while a job waits. */
  readonly taskDefinition: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: boolean;
}

/** The most that DescribeTasks takes in one call. */
const tasksPerCall = 100;
/** So far the clock of ECS may be behind: a task that was there before is older by far. */
const clockSkewMilliseconds = 5_000;

export function ecsRunnerLauncher(client: ECSClient, settings: EcsSettings): RunnerLauncher {
  const { cluster, taskDefinition } = settings;

  async function describe(taskIds: readonly string[]): Promise<RunnerTask[]> {
    const tasks: RunnerTask[] = [];
    for (let start = 0; start < taskIds.length; start += tasksPerCall) {
      tasks.push(...(await describeSome(taskIds.slice(start, start + tasksPerCall))));
    }
    return tasks;
  }

  /** ECS refuses a call that names a task of another cluster, or what is no task at all: then each is asked for alone. */
  async function describeSome(taskIds: readonly string[]): Promise<RunnerTask[]> {
    try {
      const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: [...taskIds] }));
      return tasks.map(toRunnerTask);
    } catch (error) {
      if (!(error instanceof InvalidParameterException)) throw error;
      if (taskIds.length === 1) return [];
      const described = [];
      for (const taskId of taskIds) described.push(...(await describeSome([taskId])));
      return described;
    }
  }

  /** ECS answers the same token with the same task, so a repeated launch starts nothing new. Answers whether it is new. */
  async function run(name: { readonly clientToken: string; readonly startedBy: string }): Promise<boolean> {
    const begunAt = Date.now();
    const command = new RunTaskCommand({
      cluster,
      taskDefinition,
      ...name,
      launchType: "FARGATE",
      enableExecuteCommand: true,
      ...network(settings),
    });
    const { tasks: [task] = [], failures = [] } = await client.send(command).catch(asRefusal);
    if (task) return toRunnerTask(task).launchedAt.getTime() >= begunAt - clockSkewMilliseconds;
    throw new NoCapacity(`ECS started no runner: ${failures.map(({ reason }) => reason).join("; ")}`);
  }

  return {
    describe,

    async launch(launch) {
      await run({ clientToken: nameOf(launch), startedBy: nameOf(launch) });
    },

    // Tokens are of the account, and other stages have warm runners, too.
    launchWarm: (name) => run({ clientToken: `${taskDefinition}-${name}`, startedBy: name }),

    async listAlive() {
      const taskIds: string[] = [];
      const list = { cluster, family: taskDefinition, desiredStatus: "RUNNING" } as const;
      for await (const page of paginateListTasks({ client }, list)) taskIds.push(...(page.taskArns ?? []));
      return taskIds;
    },

    async endOf(launch) {
      const list = new ListTasksCommand({ cluster, startedBy: nameOf(launch), desiredStatus: "STOPPED" });
      const { taskArns = [] } = await client.send(list);
      if (taskArns.length === 0) return undefined;
      const { tasks: [task] = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
      return task && toRunnerEnd(task);
    },

    async stop(taskId, why) {
      const [task] = await describe([taskId]);
      if (task?.isAlive) await client.send(new StopTaskCommand({ cluster, task: taskId, reason: why }));
    },
  };
}

/** At most 64 characters. */
function nameOf({ jobId, launch }: LaunchName): string {
  return `${jobId}-${launch}`;
}

/** While a task is DEPROVISIONING its container has ended already. */
function toRunnerTask({ taskArn = "", lastStatus = "", createdAt }: Task): RunnerTask {
  const isAlive = !["DEPROVISIONING", "STOPPED"].includes(lastStatus);
  return { taskId: taskArn, isAlive, launchedAt: createdAt ?? new Date(0) };
}

/** "Essential container in task exited" alone says little. */
function toRunnerEnd({ taskArn = "", stoppedReason, containers: [container] = [] }: Task): RunnerEnd {
  const { reason, exitCode } = container ?? {};
  const said = [stoppedReason, reason, exitCode === undefined ? undefined : `exit code ${exitCode}`];
  return { taskId: taskArn, why: said.filter((part) => part !== undefined).join("; ") };
}

/**
 * What the request itself got wrong stays wrong. A quota that is used up, which ECS also tells as an error of the client,
 * is lack of room; anything else (throttling, an outage) is worth another try.
 */
function asRefusal(error: unknown): never {
  const isRefusal =
    error instanceof ClientException ||
    error instanceof ClusterNotFoundException ||
    error instanceof InvalidParameterException;
  if (!isRefusal) throw error;
  if (/limit|quota|capacity/i.test(error.message)) {
    throw new NoCapacity(`ECS has no room for a runner: ${error.message}`, { cause: error });
  }
  throw new LaunchRefused(`ECS refused to start a runner: ${error.message}`, { cause: error });
}

function network({ subnets, securityGroups, assignPublicIp }: EcsSettings) {
  if (subnets.length === 0) return {};
  const awsvpcConfiguration = {
    subnets: [...subnets],
    securityGroups: [...securityGroups],
    assignPublicIp: assignPublicIp ? ("ENABLED" as const) : ("DISABLED" as const),
  };
  return { networkConfiguration: { awsvpcConfiguration } };
}
