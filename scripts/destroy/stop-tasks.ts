import {
  ClusterNotFoundException,
  ECSClient,
  paginateListTasks,
  StopTaskCommand,
  waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";

/** A task has 120 s to hand its job back; then ECS takes its network apart. */
const stopSeconds = 300;
/** The most that DescribeTasks takes in one call. */
const tasksPerCall = 100;
/** While jobs keep being submitted there is no end. */
const passes = 5;

/**
 * Stops the cluster's tasks, also those that a request launches meanwhile, and waits until all have stopped: ECS deletes no
 * cluster that has any. Answers how many there were; none where there is no cluster.
 */
export async function stopTasks(cluster: string): Promise<number> {
  const client = new ECSClient({});
  try {
    let stopped = 0;
    for (let pass = 0; pass < passes; pass++) {
      const running = await list(client, cluster, "RUNNING");
      for (const task of running)
        await client.send(new StopTaskCommand({ cluster, task, reason: "The stack is removed." }));
      const all = new Set([...running, ...(await list(client, cluster, "STOPPED"))]);
      await waitUntilStopped(client, cluster, [...all]);
      if (running.length === 0) break;
      stopped += running.length;
    }
    return stopped;
  } catch (error) {
    if (error instanceof ClusterNotFoundException) return 0;
    throw error;
  } finally {
    client.destroy();
  }
}

/** By what they are to be: a task that is to stop may run still. */
async function list(client: ECSClient, cluster: string, desiredStatus: "RUNNING" | "STOPPED"): Promise<string[]> {
  const tasks: string[] = [];
  for await (const { taskArns = [] } of paginateListTasks({ client }, { cluster, desiredStatus }))
    tasks.push(...taskArns);
  return tasks;
}

async function waitUntilStopped(client: ECSClient, cluster: string, tasks: readonly string[]): Promise<void> {
  const waiter = { client, maxWaitTime: stopSeconds, minDelay: 1, maxDelay: 10 };
  for (let start = 0; start < tasks.length; start += tasksPerCall)
    await waitUntilTasksStopped(waiter, { cluster, tasks: tasks.slice(start, start + tasksPerCall) });
}
