import { EcsError } from "./ecs-error.ts";
import { lastSegment } from "./task.ts";
import type { TaskCommand } from "./task-life.ts";
import type { TaskStore } from "./task-store.ts";

/** What the operations work on. */
export interface EcsCluster {
  readonly clusterName: string;
  readonly store: TaskStore;
  /** By family; asked once per task. */
  readonly taskDefinitions: Readonly<Record<string, () => Promise<TaskCommand>>>;
  readonly maximumTasks: number;
}

/** Parses its own input and answers as the ECS operation of its name; throws `EcsError` for a refusal. */
export type EcsAction = (input: unknown, cluster: EcsCluster) => object;

export function requireCluster(nameOrArn: string, { clusterName }: EcsCluster): void {
  if (lastSegment(nameOrArn) === clusterName) return;
  throw new EcsError("ClusterNotFoundException", `Cluster not found: the only one here is ${clusterName}.`);
}
