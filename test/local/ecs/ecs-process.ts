// Serves ECS in a process of its own until its input ends. Says its endpoint, then each line of its tasks after their ARN.
// Arguments: the working directory, the stop timeout in seconds, and the task definitions as JSON: by family what a task
// runs, or null for what is never made.
import { text } from "node:stream/consumers";
import { startEcs, type TaskCommand } from "../../../local/ecs/ecs-server.ts";

const [workingDirectory = "", stopTimeoutSeconds, definitions = ""] = process.argv.slice(2);
const commands: Record<string, TaskCommand | null> = JSON.parse(definitions);

await using server = await startEcs({
  port: 0,
  workingDirectory,
  taskDefinitions: Object.fromEntries(
    Object.entries(commands).map(([family, command]) => [family, async () => command ?? new Promise(() => {})]),
  ),
  maximumTasks: 20,
  stopTimeoutSeconds: Number(stopTimeoutSeconds),
  onTaskStopped() {},
  onTaskOutput: (taskArn, line) => say(`${taskArn} ${line}`),
});
say(server.endpoint);
await text(process.stdin);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
