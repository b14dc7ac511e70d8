import { delimiter, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { FunctionEnvironment } from "../adapters/environment.ts";

const port = z
  .string()
  .regex(/^\d{1,5}$/, "must be a number from 0 to 65535")
  .transform(Number)
  .pipe(z.int().max(65_535, "must be a number from 0 to 65535"));

/** Whether the API asks for keys. */
const Auth = z.enum(["none", "keys"], 'must be "keys", or "none", which is the default');
export type Auth = z.infer<typeof Auth>;

const Environment = z.object({
  PORT: port.prefault("8080"),
  AUTH: Auth.default("none"),
  DATA_DIR: z.string().default(".data"),
  WORK_ROOT: z.string().startsWith("/").default("/tmp/omx-web-runs"),
  PATH: z.string(),
  GIT_BASE_URL: z.url("must be a URL, such as https://github.com/ or file:///srv/git/").default("https://github.com/"),
  /** On one's own machine any repository may be cloned. */
  REPOSITORY_ALLOW_LIST: z.string().default("https://,ssh://,file:///"),
  ...FunctionEnvironment.pick({ MAX_CONCURRENT_JOBS: true, MAX_QUEUED_JOBS: true, WARM_RUNNERS: true }).shape,
});

/** How the embedded stack is started. */
export interface LocalSettings {
  readonly port: number;
  readonly auth: Auth;
  /** Absent: nothing outlives the process. */
  readonly dataDirectory: string | undefined;
  readonly workRoot: string;
  readonly path: string;
  readonly gitBaseUrl: string;
  readonly repositoryAllowList: string;
  readonly maximumConcurrentJobs: number;
  readonly maximumQueuedJobs: number;
  readonly warmRunners: number;
  /** The runner's own settings, passed on as they are. */
  readonly runner: Readonly<Record<string, string>>;
}

/** Raised for a setting that makes no sense; the message says which. */
export class SettingsInvalid extends Error {
  override readonly name = "SettingsInvalid";
}

const passedOn =
  /^(?:TMUX_KEEP_SESSION_ON_FINISH|JOB_SKIP_GIT_CLONE|JOB_SILENCE_MINUTES|JOB_\w+_CMD|GIT_TOKEN|AGENT_USER|METRICS_NAMESPACE)$/;

/** The settings in the environment and on the command line (`--ephemeral`). Throws `SettingsInvalid`. */
export function readSettings(
  args: readonly string[],
  // biome-ignore lint/style/noProcessEnv: the embedded stack's one place
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LocalSettings {
  const { ephemeral } = parseFlags(args);
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new SettingsInvalid(faults.join("; "));
  }
  const { PORT, AUTH, DATA_DIR, WORK_ROOT, PATH, GIT_BASE_URL, REPOSITORY_ALLOW_LIST } = parsed.data;
  if (ephemeral && AUTH === "keys") {
    throw new SettingsInvalid(
      "AUTH: keys are made in DATA_DIR, which --ephemeral does without. Leave one of them out.",
    );
  }
  const { MAX_CONCURRENT_JOBS, MAX_QUEUED_JOBS, WARM_RUNNERS } = parsed.data;
  return {
    port: PORT,
    auth: AUTH,
    dataDirectory: ephemeral ? undefined : resolve(DATA_DIR),
    workRoot: WORK_ROOT,
    path: withoutNpmFolders(PATH),
    gitBaseUrl: GIT_BASE_URL,
    repositoryAllowList: REPOSITORY_ALLOW_LIST,
    maximumConcurrentJobs: MAX_CONCURRENT_JOBS,
    maximumQueuedJobs: MAX_QUEUED_JOBS,
    warmRunners: WARM_RUNNERS,
    runner: Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) => (value && passedOn.test(name) ? [[name, value]] : [])),
    ),
  };
}

/** Under npm the PATH begins with this project's own tools: an agent's `node` or `tsc` is to be the machine's. */
function withoutNpmFolders(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => !/[/\\]node_modules[/\\](?:\.bin$|.*node-gyp-bin$)/.test(folder))
    .join(delimiter);
}

function parseFlags(args: readonly string[]): { ephemeral: boolean } {
  try {
    const { values } = parseArgs({ args: [...args], options: { ephemeral: { type: "boolean", default: false } } });
    return values;
  } catch (error) {
    throw new SettingsInvalid(
      `${(error as Error).message}. The only option is --ephemeral; README.md lists the settings.`,
    );
  }
}
