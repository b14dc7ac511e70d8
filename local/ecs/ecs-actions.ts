import { describeTasks } from "./actions/describe-tasks.ts";
import { executeCommand } from "./actions/execute-command.ts";
import { listTasks } from "./actions/list-tasks.ts";
import { runTask } from "./actions/run-task.ts";
import { stopTask } from "./actions/stop-task.ts";
import type { EcsAction } from "./ecs-cluster.ts";
import { EcsError } from "./ecs-error.ts";

const TARGET_PREFIX = "AmazonEC2ContainerServiceV20141113.";

const actions: ReadonlyMap<string, EcsAction> = new Map([
  ["DescribeTasks", describeTasks],
  ["ExecuteCommand", executeCommand],
  ["ListTasks", listTasks],
  ["RunTask", runTask],
  ["StopTask", stopTask],
]);

/** The operation that the `X-Amz-Target` header names. */
export function ecsAction(target: string): EcsAction {
  const operation = target.replace(TARGET_PREFIX, "");
  const action = actions.get(operation);
  if (action !== undefined) return action;
  const message = `The local ECS has no ${operation || "operation without a name"}; it has ${[...actions.keys()].join(", ")}.`;
  throw new EcsError("UnsupportedOperation", message);
}
