import * as z from "zod";
import { type EcsAction, requireCluster } from "../ecs-cluster.ts";
import { EcsError } from "../ecs-error.ts";
import { ClusterName, parseInput } from "../parse-input.ts";

const ExecuteCommandInput = z.object({
  cluster: ClusterName,
  task: z.string(),
  container: z.string().optional(),
  command: z.string(),
  interactive: z.literal(true),
});

/** There is no Systems Manager to carry a session: refuses as ECS does where its agent is not connected. */
export const executeCommand: EcsAction = (rawInput, cluster) => {
  const input = parseInput(ExecuteCommandInput, rawInput);
  requireCluster(input.cluster, cluster);
  const task = cluster.store.find(input.task);
  if (task === undefined) throw new EcsError("InvalidParameterException", "The referenced task was not found.");
  if (task.lastStatus !== "RUNNING" || !task.enableExecuteCommand) {
    const message = "Execute command was not enabled when the task was run, or the task does not run.";
    throw new EcsError("InvalidParameterException", message);
  }
  throw new EcsError("TargetNotConnectedException", "The local ECS has no Systems Manager that could carry a session.");
};
