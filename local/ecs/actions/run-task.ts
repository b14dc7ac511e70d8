import * as z from "zod";
import { type EcsAction, type EcsCluster, requireCluster } from "../ecs-cluster.ts";
import { EcsError } from "../ecs-error.ts";
import { ClusterName, parseInput } from "../parse-input.ts";
import { lastSegment, newTask, REVISION, type Task, type TaskRequest } from "../task.ts";
import { toWireTask } from "../wire-task.ts";

/** With the JSON around them. Source: API reference, TaskOverride. */
const MAX_OVERRIDES_BYTES = 8_192;

/** The words of Fargate. */
const NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/** Strict, because an override that has no effect here (another command, say) must not pass for one that has. */
const ContainerOverride = z.strictObject({
  name: z.string().optional(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  cpu: z.int().optional(),
  memory: z.int().optional(),
  memoryReservation: z.int().optional(),
});

const Overrides = z.strictObject({
  containerOverrides: z.array(ContainerOverride).optional(),
  cpu: z.string().optional(),
  memory: z.string().optional(),
  ephemeralStorage: z.object({ sizeInGiB: z.int() }).optional(),
  taskRoleArn: z.string().optional(),
  executionRoleArn: z.string().optional(),
});

/** Fields that change nothing here (networkConfiguration, capacityProviderStrategy, …) are accepted unread. */
const RunTaskInput = z.object({
  cluster: ClusterName,
  taskDefinition: z.string(),
  clientToken: z.string().max(64).optional(),
  count: z.int().min(1).max(10).default(1),
  overrides: Overrides.default({}),
  startedBy: z
    .string()
    .regex(/^[\w/-]{0,128}$/)
    .optional(),
  group: z.string().optional(),
  launchType: z.enum(["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]).default("FARGATE"),
  enableExecuteCommand: z.boolean().default(false),
  tags: z
    .array(z.object({ key: z.string().max(128), value: z.string().max(256).optional() }))
    .max(50)
    .default([]),
});
type RunTaskInput = z.infer<typeof RunTaskInput>;

export const runTask: EcsAction = (rawInput, cluster) => {
  const input = parseInput(RunTaskInput, rawInput);
  requireCluster(input.cluster, cluster);
  requireShortOverrides(input);
  const family = familyOf(input.taskDefinition);
  const resolveCommand = Object.hasOwn(cluster.taskDefinitions, family) ? cluster.taskDefinitions[family] : undefined;
  if (resolveCommand === undefined) throw new EcsError("ClientException", `TaskDefinition not found: ${family}.`);

  const replayed = cluster.store.launchedBy(input.clientToken, rawInput);
  if (replayed !== undefined) return answer(replayed, 0);

  const tasks = newTasks(input, toRequest(input, rawInput, family), cluster);
  for (const task of tasks) cluster.store.start(task, resolveCommand);
  return answer(tasks, input.count - tasks.length);
};

function requireShortOverrides({ overrides }: RunTaskInput): void {
  const bytes = Buffer.byteLength(JSON.stringify(overrides));
  if (bytes <= MAX_OVERRIDES_BYTES) return;
  const message = `Container Overrides length must be at most ${MAX_OVERRIDES_BYTES}; it is ${bytes}.`;
  throw new EcsError("InvalidParameterException", message);
}

/** `family`, `family:revision` or the ARN of one; a revision that does not exist belongs to no family. */
function familyOf(taskDefinition: string): string {
  const name = lastSegment(taskDefinition);
  return name.endsWith(`:${REVISION}`) ? name.slice(0, -REVISION.length - 1) : name;
}

/** As many of the tasks asked for as there is room for. */
function newTasks({ count }: RunTaskInput, request: TaskRequest, cluster: EcsCluster): Task[] {
  const { clusterName, store, maximumTasks } = cluster;
  const alive = store.tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED").length;
  const startable = Math.max(0, Math.min(count, maximumTasks - alive));
  return Array.from({ length: startable }, () => newTask(clusterName, request));
}

function toRequest(input: RunTaskInput, rawInput: unknown, family: string): TaskRequest {
  const { containerOverrides = [] } = input.overrides;
  const environment = containerOverrides.flatMap((override) => override.environment ?? []);
  return {
    family,
    clientToken: input.clientToken,
    input: rawInput,
    containerName: containerOverrides[0]?.name ?? family,
    environment: Object.fromEntries(environment.map(({ name, value }) => [name, value])),
    overrides: input.overrides,
    startedBy: input.startedBy,
    group: input.group ?? `family:${family}`,
    launchType: input.launchType,
    enableExecuteCommand: input.enableExecuteCommand,
    tags: input.tags,
  };
}

function answer(tasks: readonly Task[], failed: number) {
  return {
    tasks: tasks.map((task) => toWireTask(task, { tags: true })),
    failures: Array.from({ length: failed }, () => ({ reason: NO_CAPACITY })),
  };
}
