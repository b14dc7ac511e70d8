import { DescribeTaskDefinitionCommand, ECSClient } from "@aws-sdk/client-ecs";
import type { TaskCommand } from "../ecs/ecs-server.ts";
import { runnerEnvironment } from "../process-environments.ts";
import type { LocalSettings } from "../settings.ts";
import { taskFamily } from "./names.ts";

export interface RunnerSurroundings {
  readonly settings: LocalSettings;
  /** The emulator, which knows the task definition. */
  readonly endpoint: string;
  readonly bundle: string;
  readonly compileCache: string;
}

/** What a runner's task runs: the bundled runner, with what the deployed task definition gives its container. */
export async function runnerTask({
  settings,
  endpoint,
  bundle,
  compileCache,
}: RunnerSurroundings): Promise<TaskCommand> {
  const { QUEUE_URL = "", ATTACH_COMMAND: _, ...deployed } = await deployedEnvironment(endpoint);
  const surroundings = {
    AWS_ACCESS_KEY_ID: "local",
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
    queueUrl: QUEUE_URL,
    compileCache,
  };
  // There is no ECS Exec here; without the deployment's command the runner tells how to attach on this machine.
  return {
    command: [process.execPath, bundle],
    environment: { ...runnerEnvironment(settings, surroundings), ...deployed },
  };
}

async function deployedEnvironment(endpoint: string): Promise<Record<string, string>> {
  const client = new ECSClient({ endpoint });
  try {
    const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: taskFamily }));
    const variables = taskDefinition?.containerDefinitions?.[0]?.environment ?? [];
    return Object.fromEntries(variables.map(({ name = "", value = "" }) => [name, value]));
  } finally {
    client.destroy();
  }
}
