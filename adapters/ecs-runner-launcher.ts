import {
  ClientException,
  ClusterNotFoundException,
  DescribeTasksCommand,
  type ECSClient,
  InvalidParameterException,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { LaunchRefused } from "../core/errors.ts";
import type { JobHint, RunnerLauncher, TaskState } from "../core/ports.ts";

export interface EcsSettings {
  readonly cluster: string;
  /** The family, not a revision: a deploy may retire the revision while a job waits. */
  readonly taskDefinition: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
}

export function ecsRunnerLauncher(client: ECSClient, settings: EcsSettings): RunnerLauncher {
  const { cluster, taskDefinition } = settings;

  async function state(taskId: string): Promise<TaskState> {
    const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: [taskId] }));
    if (tasks[0] === undefined) return "unknown";
    return tasks[0].lastStatus === "STOPPED" ? "stopped" : "alive";
  }

  return {
    state,

    async launch(hint) {
      const token = taskToken(hint);
      const run = new RunTaskCommand({
        cluster,
        taskDefinition,
        clientToken: token,
        startedBy: token,
        launchType: "FARGATE",
        enableExecuteCommand: true,
        ...network(settings),
      });
      const { tasks = [], failures = [] } = await client.send(run).catch(asRefusal);
      if (tasks.length > 0) return;
      throw new LaunchRefused(`ECS started no runner: ${failures.map(({ reason }) => reason).join("; ")}`);
    },

    async isLaunched(hint) {
      const list = new ListTasksCommand({ cluster, startedBy: taskToken(hint), desiredStatus: "RUNNING" });
      return ((await client.send(list)).taskArns ?? []).length > 0;
    },

    async stop(taskId, why) {
      if ((await state(taskId)) !== "alive") return;
      await client.send(new StopTaskCommand({ cluster, task: taskId, reason: why }));
    },
  };
}

/** What the request itself got wrong stays wrong; anything else (throttling, an outage) is worth another try later. */
function asRefusal(error: unknown): never {
  const isRefusal =
    error instanceof ClientException ||
    error instanceof ClusterNotFoundException ||
    error instanceof InvalidParameterException;
  if (isRefusal) throw new LaunchRefused(`ECS refused to start a runner: ${error.message}`, { cause: error });
  throw error;
}

/** ECS answers the same token with the same task, so a repeated launch starts nothing new. */
function taskToken({ jobId, attempt }: JobHint): string {
  return `${jobId}-${attempt}`;
}

function network({ subnets, securityGroups }: EcsSettings) {
  if (subnets.length === 0) return {};
  const awsvpcConfiguration = {
    subnets: [...subnets],
    securityGroups: [...securityGroups],
    assignPublicIp: "ENABLED" as const,
  };
  return { networkConfiguration: { awsvpcConfiguration } };
}
