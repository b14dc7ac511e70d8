import { AVAILABILITY_ZONE, REVISION, type Task } from "./task.ts";

const METADATA_PATH = /^\/v4\/(?<taskId>[0-9a-f]+)(?<scope>\/task)?$/;

/** The address that a child gets as `ECS_CONTAINER_METADATA_URI_V4`. */
export function metadataUri(endpoint: string, taskId: string): string {
  return `${endpoint}/v4/${taskId}`;
}

/** What the task metadata endpoint v4 answers: the container at its address, the task at `/task` below it. */
export function taskMetadata(path: string, find: (taskId: string) => Task | undefined): object | undefined {
  const { taskId = "", scope } = METADATA_PATH.exec(path)?.groups ?? {};
  const task = find(taskId);
  if (task === undefined) return undefined;
  return scope === undefined ? container(task) : wholeTask(task);
}

function container(task: Task) {
  return {
    DockerId: task.taskId,
    Name: task.containerName,
    Labels: { "com.amazonaws.ecs.cluster": task.clusterArn, "com.amazonaws.ecs.task-arn": task.taskArn },
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    CreatedAt: task.createdAt,
    StartedAt: task.startedAt,
  };
}

function wholeTask(task: Task) {
  return {
    Cluster: task.clusterArn,
    TaskARN: task.taskArn,
    Family: task.family,
    Revision: REVISION,
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    AvailabilityZone: AVAILABILITY_ZONE,
    LaunchType: task.launchType,
    Containers: [container(task)],
  };
}
