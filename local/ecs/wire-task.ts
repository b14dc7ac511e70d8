import { AVAILABILITY_ZONE, containerOf, type Task } from "./task.ts";

/** A task as the API answers it: times are seconds since 1970, tags are shown only where they were asked for. */
export function toWireTask(task: Task, include: { readonly tags: boolean }) {
  return {
    taskArn: task.taskArn,
    clusterArn: task.clusterArn,
    taskDefinitionArn: task.taskDefinitionArn,
    lastStatus: task.lastStatus,
    desiredStatus: task.desiredStatus,
    launchType: task.launchType,
    availabilityZone: AVAILABILITY_ZONE,
    group: task.group,
    startedBy: task.startedBy,
    enableExecuteCommand: task.enableExecuteCommand,
    overrides: task.overrides,
    tags: include.tags ? task.tags : undefined,
    createdAt: seconds(task.createdAt),
    startedAt: seconds(task.startedAt),
    stoppingAt: seconds(task.stoppingAt),
    stoppedAt: seconds(task.stoppedAt),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    containers: [containerOf(task)],
  };
}

function seconds(date: Date | undefined): number | undefined {
  return date && date.getTime() / 1000;
}
