import { randomBytes } from "node:crypto";

/** Where the stand-in pretends to be. */
export const REGION = "us-east-1";
export const ACCOUNT_ID = "000000000000";
export const AVAILABILITY_ZONE = `${REGION}a`;
/** A family here has one revision, the first. */
export const REVISION = "1";

type TaskStatus = "PROVISIONING" | "PENDING" | "RUNNING" | "STOPPING" | "STOPPED";
export type StopCode = "TaskFailedToStart" | "EssentialContainerExited" | "UserInitiated";

/** What RunTask was asked for, as far as it shows in the answers about a task. */
export interface TaskRequest {
  readonly family: string;
  readonly clientToken: string | undefined;
  readonly containerName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly overrides: object;
  readonly startedBy: string | undefined;
  readonly group: string;
  readonly launchType: string;
  readonly enableExecuteCommand: boolean;
  readonly tags: readonly object[];
}

/** One task: what was asked for, and how far it has come. */
export interface Task extends TaskRequest {
  readonly taskId: string;
  readonly taskArn: string;
  readonly taskDefinitionArn: string;
  readonly clusterArn: string;
  readonly createdAt: Date;
  lastStatus: TaskStatus;
  desiredStatus: "RUNNING" | "STOPPED";
  startedAt?: Date;
  stoppingAt?: Date;
  stoppedAt?: Date;
  stopCode?: StopCode;
  stoppedReason?: string;
  /** Absent where no process was ever started; 128 + the signal's number where one ended it. */
  exitCode?: number;
}

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
