import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApi } from "./api.ts";
import { startDynamo } from "./dynamo/dynamo-server.ts";
import { type EcsServer, type EcsTaskStoppedEvent, startEcs } from "./ecs/ecs-server.ts";
import { endKeptSessions } from "./kept-sessions.ts";
import { functionEnvironment, runnerEnvironment, setEnvironment, taskDefinition } from "./process-environments.ts";
import { provisionQueue, provisionTable } from "./provision.ts";
import { rememberedStack, rememberStack } from "./remembered-stack.ts";
import { bundleRunner } from "./runner-bundle.ts";
import { type LocalSettings, SettingsInvalid } from "./settings.ts";
import { startSqs } from "./sqs/sqs-server.ts";
import { inTurn, repeatedly } from "./timer.ts";

/** The whole service in this process, on loopback. */
export interface Stack extends AsyncDisposable {
  readonly url: string;
  readonly ecsEndpoint: string;
}

const reconcileEverySeconds = 60;
/** What EventBridge sends by the clock. */
const eachMinute = { source: "aws.events", "detail-type": "Scheduled Event" };
/** What ECS says of a runner that ended as it should. Which one it was does not matter to what waits for its room. */
const runnerDone = {
  source: "aws.ecs",
  detail: { stopCode: "EssentialContainerExited", containers: [{ exitCode: 0 }] },
} as const;
/** Runners that find no job live on for a minute; so there is room for more than may work. */
const leastRunners = 50;
const runnerStopSeconds = 30;

/**
 * Starts emulators, table, queue, ECS stand-in and API, in the order in which they need each other; disposing stops them
 * in reverse. Sets this process's environment, by which the handlers find them: one stack per process. Throws
 * `DataDirectoryInUse` and `PortInUse`.
 */
export async function startStack(settings: LocalSettings, log: (line: string) => void): Promise<Stack> {
  await using cleanUp = new AsyncDisposableStack();
  const folders = await makeFolders(settings.dataDirectory, cleanUp);
  const known = await rememberedStack(settings.dataDirectory);
  const { accessKeyId } = known;
  const dynamo = cleanUp.use(await startDynamo({ port: known.dynamo, accessKeyId, ...folders.dynamo }));
  const sqs = cleanUp.use(await startSqs({ port: known.sqs, accessKeyId, ...folders.sqs }));
  const endpoints = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
  };
  setEnvironment(endpoints);
  const [queueUrl] = await Promise.all([provisionQueue(), provisionTable()]);

  const bundle = bundleRunner(folders.runner);
  const reconcile = inTurn(reconcileOn, log);
  const ecs: EcsServer = await startEcs({
    port: known.ecs,
    accessKeyId,
    workingDirectory: folders.tasks,
    taskDefinitions: {
      [taskDefinition]: async () => ({
        command: [process.execPath, await bundle],
        environment: runnerEnvironment(settings, { ...endpoints, queueUrl, compileCache: folders.runner }),
      }),
    },
    maximumTasks: Math.max(leastRunners, 2 * settings.maximumConcurrentJobs),
    stopTimeoutSeconds: runnerStopSeconds,
    onTaskStopped: (event) => reconcile(isDone(event) ? runnerDone : event),
    onTaskOutput: (taskArn, line) => log(`runner ${taskArn.slice(-6)}: ${line}`),
  });
  setEnvironment({
    ...endpoints,
    ...functionEnvironment(settings, queueUrl),
    CLUSTER: ecs.clusterName,
    AWS_ENDPOINT_URL_ECS: ecs.endpoint,
  });
  cleanUp.defer(async () => {
    await ecs[Symbol.asyncDispose]();
    // Only now: a runner may keep its session in its last moment.
    await endKeptSessions(settings);
  });
  const gateway = cleanUp.use(await startApi(settings.port, log, settings.auth));
  cleanUp.use(repeatedly(reconcileEverySeconds, () => reconcile(eachMinute)));
  reconcile(eachMinute);
  const portOf = ({ endpoint }: { readonly endpoint: string }) => Number(new URL(endpoint).port);
  const ports = { dynamo: portOf(dynamo), sqs: portOf(sqs), ecs: portOf(ecs) };
  await rememberStack(settings.dataDirectory, { ...ports, accessKeyId });
  const owned = cleanUp.move();
  return { url: gateway.url, ecsEndpoint: ecs.endpoint, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** In a temporary folder, removed at the end, when nothing is to outlive the process. */
async function makeFolders(dataDirectory: string | undefined, cleanUp: AsyncDisposableStack) {
  const root = dataDirectory ?? (await mkdtemp(join(tmpdir(), "omx-web-")));
  if (dataDirectory === undefined) cleanUp.defer(() => rm(root, { recursive: true, force: true }));
  await mkdir(root, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new SettingsInvalid(
      `DATA_DIR: the folder ${root} cannot be made (${(error as Error).message}); take another.`,
    );
  });
  const stored = (name: string) => (dataDirectory === undefined ? {} : { directory: join(root, name) });
  return { dynamo: stored("dynamodb"), sqs: stored("sqs"), tasks: join(root, "tasks"), runner: join(root, "runner") };
}

/** Hundreds of runners may end faster than they are looked after one by one: they are told as one. */
function isDone({ detail }: EcsTaskStoppedEvent): boolean {
  const { stopCode, containers } = runnerDone.detail;
  return detail.stopCode === stopCode && detail.containers.every(({ exitCode }) => exitCode === containers[0].exitCode);
}

async function reconcileOn(event: object): Promise<void> {
  const { handler } = await import("../functions/background/reconcile.ts");
  await handler(event, { awsRequestId: crypto.randomUUID() });
}
