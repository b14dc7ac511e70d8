import type * as z from "zod";
import type { FunctionEnvironment, RunnerEnvironment } from "../adapters/environment.ts";
import { warmRunnerSeconds } from "../core/limits.ts";
import { tableName } from "./provision.ts";
import type { LocalSettings } from "./settings.ts";

export const taskDefinition = "omx-web-runner";

/** Emulators look at no signature; the SDK wants to make one all the same. */
const credentials = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

/** Sets what this process's SDK clients and handlers read. Whatever the user has for the real AWS is kept from them. */
export function setEnvironment(variables: Readonly<Record<string, string>>): void {
  // biome-ignore lint/style/noProcessEnv: this is where the handlers, which share the process, get their environment
  const environment = process.env;
  for (const name of Object.keys(environment)) if (/^AWS_(?!ENDPOINT_URL_)/.test(name)) delete environment[name];
  Object.assign(environment, credentials, noSharedFiles, variables);
}

/** Has this process, and all that it starts, find one emulator of all of AWS, whatever the user has for the real one. */
export function useEmulator(endpoint: string): void {
  // biome-ignore lint/style/noProcessEnv: as above, for the programs that are started
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  setEnvironment({ AWS_DEFAULT_REGION: credentials.AWS_REGION, AWS_ENDPOINT_URL: endpoint });
}

const noSharedFiles = { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };

/** What the functions are given, but for the cluster, which is named by the ECS stand-in. */
export function functionEnvironment(settings: LocalSettings, queueUrl: string) {
  return {
    TABLE_NAME: tableName,
    QUEUE_URL: queueUrl,
    TASK_DEFINITION: taskDefinition,
    GIT_BASE_URL: settings.gitBaseUrl,
    REPOSITORY_ALLOW_LIST: settings.repositoryAllowList,
    MAX_CONCURRENT_JOBS: String(settings.maximumConcurrentJobs),
    MAX_QUEUED_JOBS: String(settings.maximumQueuedJobs),
    WARM_RUNNERS: String(settings.warmRunners),
  } satisfies Partial<z.input<typeof FunctionEnvironment>>;
}

interface RunnerSurroundings {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_ENDPOINT_URL_DYNAMODB: string;
  readonly AWS_ENDPOINT_URL_SQS: string;
  readonly queueUrl: string;
  /** Where Node keeps compiled code between runners: they start faster. */
  readonly compileCache: string;
}

/** The whole environment of a runner: nothing of this process's own gets to it by accident. */
export function runnerEnvironment(settings: LocalSettings, surroundings: RunnerSurroundings): Record<string, string> {
  const { queueUrl, compileCache, ...endpoints } = surroundings;
  const own = {
    TABLE_NAME: tableName,
    QUEUE_URL: queueUrl,
    PATH: settings.path,
    GIT_BASE_URL: settings.gitBaseUrl,
    WORK_ROOT: settings.workRoot,
    TMUX_KEEP_SESSION_ON_FINISH: "1",
    ...(settings.warmRunners > 0 && { IDLE_SECONDS: String(warmRunnerSeconds) }),
  } satisfies Partial<z.input<typeof RunnerEnvironment>>;
  return {
    ...{ LANG: "C.UTF-8", NODE_COMPILE_CACHE: compileCache },
    ...credentials,
    ...noSharedFiles,
    ...endpoints,
    ...own,
    ...settings.runner,
  };
}
