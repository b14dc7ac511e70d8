import { randomUUID } from "node:crypto";
import { ACCOUNT_ID, containerOf, REGION, type StopCode, type Task } from "./task.ts";

/** What EventBridge says when a task has ended: "ECS Task State Change" with `lastStatus` STOPPED. Times are RFC 3339. */
export interface EcsTaskStoppedEvent {
  readonly version: "0";
  readonly id: string;
  readonly source: "aws.ecs";
  readonly "detail-type": "ECS Task State Change";
  readonly account: string;
  readonly region: string;
  readonly time: string;
  readonly resources: readonly string[];
  readonly detail: {
    readonly taskArn: string;
    readonly clusterArn: string;
    readonly taskDefinitionArn: string;
    readonly lastStatus: "STOPPED";
    readonly desiredStatus: "STOPPED";
    readonly group: string;
    readonly launchType: string;
    readonly startedBy?: string;
    readonly stopCode: StopCode;
    readonly stoppedReason: string;
    readonly createdAt: string;
    readonly startedAt?: string;
    readonly stoppedAt: string;
    readonly containers: readonly {
      readonly containerArn: string;
      readonly taskArn: string;
      readonly name: string;
      readonly lastStatus: string;
      /** Absent where no process was ever started. */
      readonly exitCode?: number;
    }[];
  };
}

/** How a task ended; only a STOPPED task has it. */
export interface TaskEnd {
  readonly stopCode: StopCode;
  readonly stoppedReason: string;
  readonly stoppedAt: Date;
}

export function taskStoppedEvent(task: Task, { stopCode, stoppedReason, stoppedAt }: TaskEnd): EcsTaskStoppedEvent {
  const { taskArn, clusterArn, taskDefinitionArn, group, launchType, startedBy, startedAt, createdAt } = task;
  return {
    version: "0",
    id: randomUUID(),
    source: "aws.ecs",
    "detail-type": "ECS Task State Change",
    account: ACCOUNT_ID,
    region: REGION,
    time: stoppedAt.toISOString(),
    resources: [taskArn],
    detail: {
      taskArn,
      clusterArn,
      taskDefinitionArn,
      lastStatus: "STOPPED",
      desiredStatus: "STOPPED",
      group,
      launchType,
      ...(startedBy === undefined ? {} : { startedBy }),
      stopCode,
      stoppedReason,
      createdAt: createdAt.toISOString(),
      ...(startedAt === undefined ? {} : { startedAt: startedAt.toISOString() }),
      stoppedAt: stoppedAt.toISOString(),
      containers: [containerOf(task)],
    },
  };
}
