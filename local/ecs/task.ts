import { randomBytes } from "node:crypto";
import * as z from "zod";
import { ProcessIdentity } from "./process-identity.ts";

/** Where the stand-in pretends to be. */
export const REGION = "us-east-1";
export const ACCOUNT_ID = "000000000000";
export const AVAILABILITY_ZONE = `${REGION}a`;
/** A family here has one revision, the first. */
export const REVISION = "1";

/** As JSON writes a `Date`. */
const Moment = z.iso.datetime().transform((text) => new Date(text));

/** What RunTask was asked for, as far as it shows in the answers about a task. */
const TaskRequest = z.object({
  family: z.string(),
  clientToken: z.string().optional(),
  /** All of it, as it came: a request with the same clientToken has to be the same. */
  input: z.unknown(),
  containerName: z.string(),
  environment: z.record(z.string(), z.string()),
  overrides: z.record(z.string(), z.unknown()),
  startedBy: z.string().optional(),
  group: z.string(),
  launchType: z.string(),
  enableExecuteCommand: z.boolean(),
  tags: z.array(z.record(z.string(), z.unknown())),
});
export type TaskRequest = Readonly<z.infer<typeof TaskRequest>>;

const TaskName = z.object({
  taskId: z.string(),
  taskArn: z.string(),
  taskDefinitionArn: z.string(),
  clusterArn: z.string(),
  createdAt: Moment,
});

const TaskProgress = z.object({
  lastStatus: z.enum(["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "STOPPED"]),
  desiredStatus: z.enum(["RUNNING", "STOPPED"]),
  /** Absent until it runs. */
  process: ProcessIdentity.optional(),
  startedAt: Moment.optional(),
  stoppingAt: Moment.optional(),
  stoppedAt: Moment.optional(),
  stopCode: z.enum(["TaskFailedToStart", "EssentialContainerExited", "UserInitiated"]).optional(),
  stoppedReason: z.string().optional(),
  /** 128 + the signal's number where one ended it; absent where no process was started or its end was not seen. */
  exitCode: z.int().optional(),
});
export type StopCode = NonNullable<z.infer<typeof TaskProgress>["stopCode"]>;

/** One task: what was asked for, and how far it has come. All that is known of it, also as JSON. */
export const Task = z.object({ ...TaskRequest.shape, ...TaskName.shape, ...TaskProgress.shape });
export type Task = TaskRequest & Readonly<z.infer<typeof TaskName>> & z.infer<typeof TaskProgress>;

export function arn(resource: string): string {
  return `arn:aws:ecs:${REGION}:${ACCOUNT_ID}:${resource}`;
}

/** ECS takes names and ARNs alike; both end in the name. */
export function lastSegment(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf("/") + 1);
}

export function newTask(clusterName: string, request: TaskRequest): Task {
  const taskId = randomBytes(16).toString("hex");
  return {
    ...request,
    taskId,
    taskArn: arn(`task/${clusterName}/${taskId}`),
    taskDefinitionArn: arn(`task-definition/${request.family}:${REVISION}`),
    clusterArn: arn(`cluster/${clusterName}`),
    createdAt: new Date(),
    lastStatus: "PROVISIONING",
    desiredStatus: "RUNNING",
  };
}

/** The one container of the task, without the times. */
export function containerOf(task: Task) {
  const { taskArn, containerName: name, lastStatus, exitCode } = task;
  const containerArn = taskArn.replace(":task/", ":container/").concat(`/${task.taskId}`);
  return { containerArn, taskArn, name, lastStatus, ...(exitCode === undefined ? {} : { exitCode }) };
}
