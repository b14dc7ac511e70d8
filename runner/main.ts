import { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { dynamoClient } from "../adapters/dynamo-client.ts";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import { commandSettings, parseEnvironment, RunnerEnvironment } from "../adapters/environment.ts";
import { sqsJobQueue } from "../adapters/sqs-job-queue.ts";
import { resolveAgentUser } from "./agent-user.ts";
import type { RunnerSettings } from "./job-context.ts";
import { JobStop } from "./job-stop.ts";
import { logInfo } from "./log.ts";
import { runJob } from "./run-job.ts";
import { takeJob } from "./take-job.ts";

/** The runner: takes one job, runs it, exits. Its composition root. */
const environment = parseEnvironment(RunnerEnvironment);
// The folders that the agents must get through are made with the modes that the code says.
process.umask(0o022);
const stop = new JobStop();
// Whoever reads the log may go away; the job goes on.
process.stderr.on("error", () => {});
process.once("SIGTERM", () => stop.stop("shutdown"));
process.once("SIGINT", () => stop.stop("shutdown"));

const dynamo = dynamoClient();
const ports = {
  jobs: dynamoJobStore(dynamo, environment.TABLE_NAME),
  events: dynamoEventLog(dynamo, environment.TABLE_NAME),
  queue: sqsJobQueue(new SQSClient({}), environment.QUEUE_URL),
  now: () => new Date(),
};

const [settings, owner] = await Promise.all([runnerSettings(), taskId(environment.ECS_CONTAINER_METADATA_URI_V4)]);
const taken = await takeJob(ports, owner, stop.signal);
if (taken === undefined) logInfo("no job came", { owner });
else await runJob(ports, settings, taken.record, taken.spec, stop);
// The SDK's idle connections would keep the process for a while.
process.exit(0);

async function runnerSettings(): Promise<RunnerSettings> {
  return {
    path: environment.PATH,
    workRoot: environment.WORK_ROOT,
    skipClone: environment.JOB_SKIP_GIT_CLONE,
    keepSessions: environment.TMUX_KEEP_SESSION_ON_FINISH,
    gitToken: environment.GIT_TOKEN,
    gitBaseUrl: environment.GIT_BASE_URL,
    agentUser: await resolveAgentUser(environment.AGENT_USER),
    commands: commandSettings(),
  };
}

/** The task's ARN, by which reconcile finds it; without ECS a name of its own. */
async function taskId(metadataUrl: string | undefined): Promise<string> {
  if (metadataUrl === undefined) return `runner-${crypto.randomUUID()}`;
  const answer = await fetch(`${metadataUrl}/task`);
  return z.object({ TaskARN: z.string() }).parse(await answer.json()).TaskARN;
}
