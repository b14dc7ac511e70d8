import * as z from "zod";
import { type EcsAction, requireCluster } from "../ecs-cluster.ts";
import { EcsError } from "../ecs-error.ts";
import { ClusterName, parseInput } from "../parse-input.ts";
import type { Task } from "../task.ts";

const ListTasksInput = z.object({
  cluster: ClusterName,
  family: z.string().optional(),
  startedBy: z.string().optional(),
  launchType: z.string().optional(),
  desiredStatus: z.enum(["RUNNING", "PENDING", "STOPPED"]).default("RUNNING"),
  maxResults: z.int().min(1).max(100).default(100),
  nextToken: z.string().optional(),
});
type ListTasksInput = z.infer<typeof ListTasksInput>;

/** In the order of their start. A page's token is the last task on it. */
export const listTasks: EcsAction = (rawInput, cluster) => {
  const input = parseInput(ListTasksInput, rawInput);
  requireCluster(input.cluster, cluster);
  const listed = after(input.nextToken, cluster.store.tasks).filter((task) => isListed(task, input));
  const page = listed.slice(0, input.maxResults);
  return {
    taskArns: page.map(({ taskArn }) => taskArn),
    nextToken: listed.length > page.length ? page.at(-1)?.taskId : undefined,
  };
};

function after(nextToken: string | undefined, tasks: readonly Task[]): readonly Task[] {
  if (nextToken === undefined) return tasks;
  const last = tasks.findIndex(({ taskId }) => taskId === nextToken);
  if (last === -1) throw new EcsError("InvalidParameterException", "Invalid token.");
  return tasks.slice(last + 1);
}

function isListed(task: Task, { desiredStatus, ...wanted }: ListTasksInput): boolean {
  const isAsked = (field: "family" | "startedBy" | "launchType") =>
    wanted[field] === undefined || wanted[field] === task[field];
  return task.desiredStatus === desiredStatus && isAsked("family") && isAsked("startedBy") && isAsked("launchType");
}
