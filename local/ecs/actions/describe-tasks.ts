import * as z from "zod";
import { type EcsAction, requireCluster } from "../ecs-cluster.ts";
import { ClusterName, parseInput } from "../parse-input.ts";
import { arn } from "../task.ts";
import { toWireTask } from "../wire-task.ts";

const DescribeTasksInput = z.object({
  cluster: ClusterName,
  tasks: z.array(z.string()).min(1, "Tasks cannot be empty.").max(100, "At most 100 tasks can be described at once."),
  include: z.array(z.literal("TAGS")).default([]),
});

export const describeTasks: EcsAction = (rawInput, cluster) => {
  const { tasks, include, ...input } = parseInput(DescribeTasksInput, rawInput);
  requireCluster(input.cluster, cluster);
  const found = tasks.map((idOrArn) => ({ idOrArn, task: cluster.store.find(idOrArn) }));
  return {
    tasks: found.flatMap(({ task }) => (task ? [toWireTask(task, { tags: include.includes("TAGS") })] : [])),
    failures: found.flatMap(({ idOrArn, task }) =>
      task ? [] : [{ arn: toTaskArn(idOrArn, cluster.clusterName), reason: "MISSING" }],
    ),
  };
};

function toTaskArn(idOrArn: string, clusterName: string): string {
  return idOrArn.startsWith("arn:") ? idOrArn : arn(`task/${clusterName}/${idOrArn}`);
}
