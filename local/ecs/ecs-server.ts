import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { admitOnly } from "../admit-only.ts";
import { admitOwnUser } from "../admit-own-user.ts";
import { earlierTasks } from "./earlier-tasks.ts";
import { ecsAction } from "./ecs-actions.ts";
import type { EcsCluster } from "./ecs-cluster.ts";
import { EcsError } from "./ecs-error.ts";
import { arn, type Task } from "./task.ts";
import { TaskFiles } from "./task-files.ts";
import type { TaskCommand, TaskHost } from "./task-life.ts";
import { metadataUri, taskMetadata } from "./task-metadata.ts";
import { type EcsTaskStoppedEvent, taskStoppedEvent } from "./task-stopped-event.ts";
import { TaskStore } from "./task-store.ts";

export type { TaskCommand } from "./task-life.ts";
export type { EcsTaskStoppedEvent } from "./task-stopped-event.ts";

const CLUSTER_NAME = "omx-web-local";

export interface EcsOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /**
   * Gets one sub-folder per task, which stays as long as the task is remembered. If the folder outlives this process, so
   * does the task list: a later start goes on with it. Only one process at a time may have it.
   */
  readonly workingDirectory: string;
  /** The one access key that may ask for anything; any may if absent. */
  readonly accessKeyId?: string;
  /** Whether only processes of this process's own user may ask: for where the access key is not ours to choose. */
  readonly ownUserOnly?: boolean;
  /** By family; asked once per task, which is PROVISIONING until the answer (a bundle being built, say). */
  readonly taskDefinitions: Readonly<Record<string, () => Promise<TaskCommand>>>;
  /** Beyond it RunTask answers `failures`, as where AWS has no capacity left. */
  readonly maximumTasks: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopTimeoutSeconds: number;
  /** Called once per task, however it ended; for one that ended while nobody was there, right after the next start. */
  readonly onTaskStopped: (event: EcsTaskStoppedEvent) => void;
  /** One line of a task's stdout or stderr, without its line break, or of what is wrong with its folder. */
  readonly onTaskOutput?: (taskArn: string, line: string) => void;
}

export interface EcsServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly clusterName: string;
}

/**
 * Speaks the wire protocol of ECS (AWS JSON 1.1) for RunTask, StopTask, DescribeTasks and ListTasks, so that the real
 * SDK client can be used, and serves the task metadata endpoint v4 to the tasks.
 *
 * It isolates NOTHING. A task is a child process, not a container: no image, no CPU or memory limit, no network or file
 * isolation, and it runs as your own user. It only gets none of the host's environment variables. There are no roles,
 * no signatures and no throttling.
 *
 * Disposing stops every task (SIGTERM, then SIGKILL) and waits until all have ended. Where this process is killed, its
 * tasks live on, and the next start on the same folder adopts them; what they print from then on is lost.
 */
export async function startEcs(options: EcsOptions): Promise<EcsServer> {
  const server = createServer();
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const endpoint = endpointOf(server);
  const files = taskFiles(options);
  const cluster = createCluster(options, endpoint, files);
  for (const each of earlierTasks(files)) cluster.store.resume(each);
  server.on("request", (request, response) => void answer(request, response, cluster));
  admitOnly(server, options.accessKeyId);
  if (options.ownUserOnly) admitOwnUser(server);
  return {
    endpoint,
    clusterName: CLUSTER_NAME,
    async [Symbol.asyncDispose]() {
      await cluster.store.close();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function endpointOf(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

function taskFiles({ workingDirectory, onTaskOutput }: EcsOptions): TaskFiles {
  return new TaskFiles(workingDirectory, (taskId, line) => onTaskOutput?.(arn(`task/${CLUSTER_NAME}/${taskId}`), line));
}

function createCluster(options: EcsOptions, endpoint: string, files: TaskFiles): EcsCluster {
  const { taskDefinitions, maximumTasks, stopTimeoutSeconds, onTaskStopped, onTaskOutput } = options;
  const hostFor = ({ taskId, taskArn }: Task): TaskHost => ({
    addedEnvironment: { ECS_CONTAINER_METADATA_URI_V4: metadataUri(endpoint, taskId) },
    workingDirectory: files.folderOf(taskId),
    stopTimeoutSeconds,
    save: (task) => files.save(task),
    onLine: (line) => onTaskOutput?.(taskArn, line),
    onStopped: (task, end) => onTaskStopped(taskStoppedEvent(task, end)),
  });
  return { clusterName: CLUSTER_NAME, store: new TaskStore(files, hostFor), taskDefinitions, maximumTasks };
}

async function answer(request: IncomingMessage, response: ServerResponse, cluster: EcsCluster): Promise<void> {
  if (request.method === "GET") {
    const metadata = taskMetadata(request.url ?? "", (taskId) => cluster.store.find(taskId));
    send(response, metadata === undefined ? 404 : 200, metadata ?? { message: "No such task" });
    return;
  }
  try {
    const action = ecsAction(String(request.headers["x-amz-target"] ?? ""));
    send(response, 200, action(JSON.parse(await text(request)), cluster));
  } catch (error) {
    sendError(response, error);
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const { code, message, details } = toEcsError(error);
  send(response, code === "ServerException" ? 500 : 400, { __type: code, message, ...details });
}

function toEcsError(error: unknown): EcsError {
  if (error instanceof EcsError) return error;
  return new EcsError(error instanceof SyntaxError ? "SerializationException" : "ServerException", String(error));
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify(body));
}
