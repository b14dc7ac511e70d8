import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  DescribeTasksCommand,
  ECSClient,
  RunTaskCommand,
  type RunTaskCommandInput,
  type Task,
} from "@aws-sdk/client-ecs";
import { type EcsTaskStoppedEvent, startEcs, type TaskCommand } from "../../../local/ecs/ecs-server.ts";

/** There is no other. */
export const CLUSTER = "omx-web-local";

export interface TestEcs extends AsyncDisposable {
  readonly client: ECSClient;
  readonly cluster: string;
  readonly endpoint: string;
  readonly workingDirectory: string;
  /** Every event so far, in order. */
  readonly stoppedEvents: readonly EcsTaskStoppedEvent[];
  /** Starts a task of the family and answers it, still PROVISIONING. */
  run(family: string, more?: Partial<RunTaskCommandInput>): Promise<Task>;
  /** Resolves with the event of this task's end. */
  stopped(task: Task): Promise<EcsTaskStoppedEvent>;
  /** Every line of this task's output so far. */
  lines(task: Task): readonly string[];
  /** The tasks of those given that are known, as DescribeTasks answers them. */
  describe(...tasks: readonly Task[]): Promise<Task[]>;
  /** Resolves with the first line of this task's output. */
  firstLine(task: Task): Promise<string>;
  /** Only the server; the client stays usable. */
  shutDown(): Promise<void>;
}

/** The real server on a free port, with the real client of the SDK; in a folder of its own where none is given. */
export async function testEcs(
  taskDefinitions: Record<string, TaskCommand | (() => Promise<TaskCommand>)>,
  options: { maximumTasks?: number; stopTimeoutSeconds?: number; workingDirectory?: string } = {},
): Promise<TestEcs> {
  const workingDirectory = options.workingDirectory ?? mkdtempSync(path.join(tmpdir(), "omx-web-ecs-"));
  const stoppedEvents: EcsTaskStoppedEvent[] = [];
  const ends = new Deferreds<EcsTaskStoppedEvent>();
  const firstLines = new Deferreds<string>();
  const lines: { taskArn: string; line: string }[] = [];
  const ecs = await startEcs({
    port: 0,
    workingDirectory,
    taskDefinitions: Object.fromEntries(
      Object.entries(taskDefinitions).map(([family, definition]) => [
        family,
        typeof definition === "function" ? definition : async () => definition,
      ]),
    ),
    maximumTasks: options.maximumTasks ?? 20,
    stopTimeoutSeconds: options.stopTimeoutSeconds ?? 5,
    onTaskStopped(event) {
      stoppedEvents.push(event);
      ends.of(event.detail.taskArn).resolve(event);
    },
    onTaskOutput(taskArn, line) {
      lines.push({ taskArn, line });
      firstLines.of(taskArn).resolve(line);
    },
  });
  const client = ecsClient(ecs.endpoint);
  return {
    client,
    cluster: ecs.clusterName,
    endpoint: ecs.endpoint,
    workingDirectory,
    stoppedEvents,
    run: (family, more) => runTask(client, family, more),
    describe: (...tasks) => describeTasks(client, tasks),
    stopped: (task) => ends.of(task.taskArn ?? "").promise,
    lines: (task) => lines.filter(({ taskArn }) => taskArn === task.taskArn).map(({ line }) => line),
    firstLine: (task) => firstLines.of(task.taskArn ?? "").promise,
    shutDown: async () => ecs[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await ecs[Symbol.asyncDispose]();
      client.destroy();
      if (options.workingDirectory === undefined) await rm(workingDirectory, { recursive: true });
    },
  };
}

export function ecsClient(endpoint: string): ECSClient {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return new ECSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

/** Starts a task of the family and answers it, still PROVISIONING. */
export async function runTask(
  client: ECSClient,
  family: string,
  more: Partial<RunTaskCommandInput> = {},
): Promise<Task> {
  const answer = await client.send(new RunTaskCommand({ cluster: CLUSTER, taskDefinition: family, ...more }));
  const [task] = answer.tasks ?? [];
  if (task === undefined) throw new Error(`No task: ${JSON.stringify(answer.failures)}`);
  return task;
}

export async function describeTasks(client: ECSClient, tasks: readonly Task[]): Promise<Task[]> {
  const taskArns = tasks.map(({ taskArn = "" }) => taskArn);
  return (
    (await client.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: taskArns, include: ["TAGS"] }))).tasks ?? []
  );
}

/** A task that runs this JavaScript, with nothing in its environment but what is given. */
export function script(source: string, environment: Record<string, string> = {}): TaskCommand {
  return { command: [process.execPath, "-e", source], environment };
}

/** A task that runs until it is told to stop, and says when it does. */
export const forever = script('console.log("ready"); setInterval(() => {}, 1000)');

/** Also false for a process that has ended and that nobody has waited for. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** One promise per key, whoever asks first. */
class Deferreds<Value> {
  readonly #byKey = new Map<string, PromiseWithResolvers<Value>>();

  of(key: string): PromiseWithResolvers<Value> {
    const deferred = this.#byKey.get(key) ?? Promise.withResolvers<Value>();
    this.#byKey.set(key, deferred);
    return deferred;
  }
}
