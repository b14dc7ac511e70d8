import {
  ClientException,
  ClusterNotFoundException,
  DescribeTasksCommand,
  type ECSClient,
  InvalidParameterException,
  paginateListTasks,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { LaunchRefused, NoCapacity } from "../core/errors.ts";
import type { Launch, RunnerLauncher, RunnerTask } from "../core/ports.ts";

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

  /** ECS answers the same token with the same task, so a repeated launch starts nothing new. */
  async function run(name: { readonly clientToken: string; readonly startedBy: string }): Promise<void> {
    const command = new RunTaskCommand({
      cluster,
      taskDefinition,
      ...name,
      launchType: "FARGATE",
      enableExecuteCommand: true,
      ...network(settings),
    });
    const { tasks = [], failures = [] } = await client.send(command).catch(asRefusal);
    if (tasks.length > 0) return;
    throw new NoCapacity(`ECS started no runner: ${failures.map(({ reason }) => reason).join("; ")}`);
  }

  return {
    describe,

    launch: (launch) => run({ clientToken: nameOf(launch), startedBy: nameOf(launch) }),

    // Tokens are of the account, and other stages have warm runners, too.
    launchWarm: (name) => run({ clientToken: `${taskDefinition}-${name}`, startedBy: name }),

    async listAlive() {
      const taskIds: string[] = [];
      const list = { cluster, family: taskDefinition, desiredStatus: "RUNNING" } as const;
      for await (const page of paginateListTasks({ client }, list)) taskIds.push(...(page.taskArns ?? []));
      return taskIds;
    },

    async stop(taskId, why) {
      const [task] = await describe([taskId]);
      if (task?.isAlive) await client.send(new StopTaskCommand({ cluster, task: taskId, reason: why }));
    },
  };
}

/** At most 64 characters. */
function nameOf({ jobId, launch }: Launch): string {
  return `${jobId}-${launch}`;
}

/** While a task is DEPROVISIONING its container has ended already. */
function toRunnerTask({ taskArn = "", lastStatus = "", createdAt }: Task): RunnerTask {
  const isAlive = !["DEPROVISIONING", "STOPPED"].includes(lastStatus);
  return { taskId: taskArn, isAlive, launchedAt: createdAt ?? new Date(0) };
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
