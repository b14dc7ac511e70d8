import * as z from "zod";
import {
  defaultConcurrentJobs,
  defaultQueuedJobs,
  defaultRetentionDays,
  defaultSilenceMinutes,
  idleRunnerSeconds,
  maximumRetentionDays,
  warmRunnerSeconds,
} from "../core/limits.ts";
import { Provider, Role } from "../core/roles.ts";

/** The only place that reads `process.env`: what each process needs of it, parsed once at its start. */

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  );

const flag = z.enum(["0", "1"]).transform((digit) => digit === "1");

/** A tenant's slots are one item of at most 400 KB, which is some 10,000 names of jobs. */
function atLeastOne(maximum: number) {
  return wholeNumber(1, maximum);
}

function wholeNumber(minimum: number, maximum: number) {
  const rule = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .pipe(z.int().min(minimum, rule).max(maximum, rule));
}

/** How long ended jobs, their events and idempotency keys are kept. */
const RETENTION_DAYS = wholeNumber(1, maximumRetentionDays).prefault(String(defaultRetentionDays));

/** What metrics are written under, so that deployments of one account do not mix; without it none are. */
const METRICS_NAMESPACE = z.string().min(1).optional();

/** What the Lambda functions are given. */
export const FunctionEnvironment = z.object({
  TABLE_NAME: z.string(),
  QUEUE_URL: z.string(),
  RETENTION_DAYS,
  METRICS_NAMESPACE,
  CLUSTER: z.string(),
  TASK_DEFINITION: z.string(),
  SUBNETS: list,
  SECURITY_GROUPS: list,
  /** Whether a runner gets an address of its own; behind a NAT gateway it needs none. */
  ASSIGN_PUBLIC_IP: flag.prefault("1"),
  /** What `owner/name` is looked up on. */
  GIT_BASE_URL: z.url().default("https://github.com/"),
  /** URL prefixes of the repositories that may be cloned, separated by commas. */
  REPOSITORY_ALLOW_LIST: list.prefault("https://github.com/"),
  /** Jobs of one tenant that run at the same time. */
  MAX_CONCURRENT_JOBS: atLeastOne(10_000).prefault(String(defaultConcurrentJobs)),
  /** Jobs of one tenant that wait for it; one more is refused. */
  MAX_QUEUED_JOBS: atLeastOne(100_000).prefault(String(defaultQueuedJobs)),
  /** Runners that wait for jobs to come; their IDLE_SECONDS must be as long as it takes. */
  WARM_RUNNERS: wholeNumber(0, 100).prefault("0"),
});
export type FunctionEnvironment = z.infer<typeof FunctionEnvironment>;

/** What the runner is given. */
export const RunnerEnvironment = z.object({
  TABLE_NAME: z.string(),
  QUEUE_URL: z.string(),
  RETENTION_DAYS,
  METRICS_NAMESPACE,
  PATH: z.string(),
  WORK_ROOT: z.string().startsWith("/").default("/tmp/omx-web-runs"),
  /** A runner that has found no job for this long exits: before it could be taken for an orphan. */
  IDLE_SECONDS: wholeNumber(1, warmRunnerSeconds).prefault(String(idleRunnerSeconds)),
  /** Keep the tmux session of an ended job, unless the request says otherwise. */
  TMUX_KEEP_SESSION_ON_FINISH: flag.prefault("0"),
  /** Give each job an empty repository instead of a clone. */
  JOB_SKIP_GIT_CLONE: flag.prefault("0"),
  /** A pane that prints nothing for so long is ended; fractions are allowed. */
  JOB_SILENCE_MINUTES: z.coerce
    .number("must be a number of minutes")
    .positive("must be more than 0 minutes")
    .default(defaultSilenceMinutes),
  /** The host that GIT_TOKEN is for. */
  GIT_BASE_URL: z.url().default("https://github.com/"),
  /** For cloning over https from the host of GIT_BASE_URL; only git itself gets to see it. */
  GIT_TOKEN: z
    .string()
    .optional()
    .transform((token) => token || undefined),
  /** The unprivileged user that a runner started by root gives the panes to. */
  AGENT_USER: z.string().default("nobody"),
  /** What to paste to watch a job's session: `{task}`, `{session}` and `{socket}` stand for the job's own. */
  ATTACH_COMMAND: z
    .string()
    .regex(/^(?:[^{}]|\{(?:task|session|socket)\})+$/, "may hold {task}, {session} and {socket}, and no other braces")
    .default("tmux -S {socket} attach -t {session}"),
  /** Tells a task which one it is (set by ECS). */
  ECS_CONTAINER_METADATA_URI_V4: z.url().optional(),
});
export type RunnerEnvironment = z.infer<typeof RunnerEnvironment>;

/** The names of the settings that give a role its command, strongest first. */
export function commandVariables(provider: Provider, role: Role): string[] {
  return [`JOB_${provider}_${role}_CMD`, `JOB_${role}_CMD`].map((name) => name.toUpperCase());
}

/** Raised when a process is started with settings that it cannot work with. */
export class EnvironmentInvalid extends Error {
  override readonly name = "EnvironmentInvalid";
}

export function parseEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  // biome-ignore lint/style/noProcessEnv: the one place
  environment: Record<string, string | undefined> = process.env,
): z.infer<Schema> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new EnvironmentInvalid(`Set these environment variables right and start again: ${faults.join("; ")}`);
}

/** The role commands that the deployment sets, by variable name. */
export function commandSettings(
  // biome-ignore lint/style/noProcessEnv: the one place
  environment: Record<string, string | undefined> = process.env,
): Record<string, string> {
  const names = Provider.options.flatMap((provider) =>
    Role.options.flatMap((role) => commandVariables(provider, role)),
  );
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}
