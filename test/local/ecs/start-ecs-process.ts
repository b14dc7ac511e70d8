import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ECSClient, type RunTaskCommandInput, type Task, waitUntilTasksRunning } from "@aws-sdk/client-ecs";
import type { TaskCommand } from "../../../local/ecs/ecs-server.ts";
import { CLUSTER, ecsClient, isRunning, runTask } from "./test-ecs.ts";

const often = { maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 };

interface EcsProcess extends AsyncDisposable {
  readonly client: ECSClient;
  /** Starts a task, waits until it runs, and for its first line: the id of a process that may outlive the server. */
  begin(family: string, more?: Partial<RunTaskCommandInput>): Promise<{ task: Task; pid: number }>;
  /** Resolves with the next line of any task. */
  nextLine(): Promise<string>;
  /** Kills the server outright; its tasks live on until this is disposed of. */
  kill(): Promise<void>;
}

/** Runs ecs-process.ts. */
export async function startEcsProcess(
  workingDirectory: string,
  definitions: Record<string, TaskCommand | null>,
  { stopTimeoutSeconds = 600 } = {},
): Promise<EcsProcess> {
  const script = fileURLToPath(new URL("ecs-process.ts", import.meta.url));
  const parameters = [workingDirectory, String(stopTimeoutSeconds), JSON.stringify(definitions)];
  const child = spawn(process.execPath, [script, ...parameters], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const client = ecsClient(await next());
  const nextLine = async () => (await next()).split(" ").slice(1).join(" ");
  const pids: number[] = [];
  const kill = async () => {
    child.kill("SIGKILL");
    await exit;
  };
  return {
    client,
    async begin(family, more) {
      const task = await runTask(client, family, more);
      const pid = Number(await nextLine());
      pids.push(pid);
      await waitUntilTasksRunning({ client, ...often }, { cluster: CLUSTER, tasks: [task.taskArn ?? ""] });
      return { task, pid };
    },
    nextLine,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      client.destroy();
      for (const pid of pids.filter(isRunning)) process.kill(pid, "SIGKILL");
    },
  };
}
