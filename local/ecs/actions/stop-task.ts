import * as z from "zod";
import { type EcsAction, requireCluster } from "../ecs-cluster.ts";
import { EcsError } from "../ecs-error.ts";
import { ClusterName, parseInput } from "../parse-input.ts";
import { toWireTask } from "../wire-task.ts";

const StopTaskInput = z.object({
  cluster: ClusterName,
  task: z.string(),
  reason: z.string().max(1024).default("Task stopped by user"),
});

/** SIGTERM now, SIGKILL after the stop timeout; a task that has ended already is answered as it is. */
export const stopTask: EcsAction = (rawInput, cluster) => {
  const input = parseInput(StopTaskInput, rawInput);
  requireCluster(input.cluster, cluster);
  const task = cluster.store.find(input.task);
  if (task === undefined) throw new EcsError("InvalidParameterException", "The referenced task was not found.");
  cluster.store.stop(task, input.reason);
  return { task: toWireTask(task, { tags: true }) };
};
