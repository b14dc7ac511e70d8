import { get, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { dynamoClient } from "../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import { dynamoTenantSlots } from "../adapters/dynamo-tenant-slots.ts";
import { commandSettings, parseEnvironment, RunnerEnvironment } from "../adapters/environment.ts";
import { addLogContext, logError, logInfo } from "../adapters/log.ts";
import { measuredJobStore } from "../adapters/measured-job-store.ts";
import { embeddedMetrics } from "../adapters/metrics.ts";
import { sqsJobQueue } from "../adapters/sqs-job-queue.ts";
import { resolveAgentUser } from "./agent-user.ts";
import type { RunnerSettings } from "./job-context.ts";
import { JobStop } from "./job-stop.ts";
import { runJob } from "./run-job.ts";
import { takeJob } from "./take-job.ts";

/** The runner: takes one job, runs it, exits. Its composition root. */
process.on("uncaughtException", (error) => {
  // Node would print the line of the bundle that it happened in, which is all of it.
  logError("the runner ends", error, {});
  process.exit(1);
});
const environment = parseEnvironment(RunnerEnvironment);
// The folders that the agents must get through are made with the modes that the code says.
process.umask(0o022);
const stop = new JobStop();
// Whoever reads the log may go away; the job goes on.
process.stderr.on("error", () => {});
process.once("SIGTERM", () => stop.stop("shutdown"));
process.once("SIGINT", () => stop.stop("shutdown"));

const dynamo = dynamoClient();
const { TABLE_NAME, RETENTION_DAYS } = environment;
const ports = {
  jobs: measuredJobStore(
    dynamoJobStore(dynamo, TABLE_NAME, RETENTION_DAYS),
    embeddedMetrics(environment.METRICS_NAMESPACE),
  ),
  events: dynamoEventLog(dynamo, TABLE_NAME, RETENTION_DAYS),
  slots: dynamoTenantSlots(dynamo, TABLE_NAME),
  queue: sqsJobQueue(new SQSClient({}), environment.QUEUE_URL),
  now: () => new Date(),
};

// Looked up while the first job is waited for; if that fails, the process ends at once.
const settings = runnerSettings();
const owner = await taskId(environment.ECS_CONTAINER_METADATA_URI_V4);
addLogContext({ owner });
logInfo("waiting for a job", { seconds: environment.IDLE_SECONDS });
const taken = await takeJob(ports, owner, stop.signal, environment.IDLE_SECONDS);
if (taken) addLogContext({ jobId: taken.record.jobId, attempt: taken.record.attempt, tenantId: taken.record.tenantId });
if (taken === undefined) logInfo("no job came", {});
else await runJob(ports, await settings, taken.record, taken.spec, stop);
// The SDK's idle connections would keep the process for a while. Anything but 0 says that something is left to do.
process.exit(stop.cause === "shutdown" ? 143 : stop.abandoned.aborted ? 1 : 0);

async function runnerSettings(): Promise<RunnerSettings> {
  return {
    path: environment.PATH,
    workRoot: environment.WORK_ROOT,
    skipClone: environment.JOB_SKIP_GIT_CLONE,
    keepSessions: environment.TMUX_KEEP_SESSION_ON_FINISH,
    silenceMinutes: environment.JOB_SILENCE_MINUTES,
    gitToken: environment.GIT_TOKEN,
    gitBaseUrl: environment.GIT_BASE_URL,
    agentUser: await resolveAgentUser(environment.AGENT_USER),
    attachCommand: environment.ATTACH_COMMAND,
    commands: commandSettings(),
  };
}

/** The task's ARN, by which reconcile finds it; without ECS a name of its own. */
async function taskId(metadataUrl: string | undefined): Promise<string> {
  if (metadataUrl === undefined) return `runner-${crypto.randomUUID()}`;
  // Not fetch, which takes longer to load than all else that this needs.
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  get(`${metadataUrl}/task`, resolve).on("error", reject);
  return z.object({ TaskARN: z.string() }).parse(await json(await promise)).TaskARN;
}
