import * as z from "zod";
import {
  defaultJobMinutes,
  defaultLogBytes,
  maximumJobMinutes,
  maximumLabels,
  maximumLogBytes,
  maximumTaskBytes,
  minimumJobMinutes,
} from "./limits.ts";
import { Mode } from "./modes.ts";
import { Provider, Role } from "./roles.ts";

const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a variable name: letters, digits and _");
/** Names that the service sets itself, or that would change what the pane's shell is. */
const reservedName = /^(JOB_|TMUX|AWS_|ECS_|LD_)|^(PATH|HOME|USER|SHELL|IFS|ENV|BASH_ENV)$/;

const Text = z
  .string()
  .refine((text) => !text.includes("\0"), "must not contain a NUL character")
  .refine((text) => text.isWellFormed(), "must be whole Unicode characters, not halves of surrogate pairs");

const AgentCommand = Text.min(1).max(16_384);

/** A job's row must stay far below DynamoDB's 400 KB. */
function atMostBytes(bytes: number): [check: (value: unknown) => boolean, message: string] {
  const check = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length <= bytes;
  return [check, `at most ${bytes} bytes in all`];
}

const PaneEnvironment = z
  .record(EnvironmentName, Text)
  .refine(...atMostBytes(32 * 1024))
  .superRefine((variables, context) => {
    for (const name of Object.keys(variables).filter((name) => reservedName.test(name))) {
      context.addIssue({ code: "custom", path: [name], message: "this name is set by the service; choose another" });
    }
  });

const Labels = z
  .record(
    z.string().regex(/^[A-Za-z0-9_.-]{1,63}$/, "a label's name: letters, digits, _ . and -, at most 63"),
    z.string().max(63),
  )
  .refine((labels) => Object.keys(labels).length <= maximumLabels, `at most ${maximumLabels} labels`);

export const JobOptions = z
  .strictObject({
    maxMinutes: z
      .number()
      .min(minimumJobMinutes)
      .max(maximumJobMinutes)
      .default(defaultJobMinutes)
      .describe("Wall-clock limit."),
    keepTmuxSession: z
      .boolean()
      .optional()
      .describe("Keep the tmux session for people to attach after the job; default: the deployment's setting."),
    agentCommands: z
      .partialRecord(Role, AgentCommand)
      .default({})
      .describe("A shell command per role, run by bash in the clone. The task is in $JOB_TASK and $JOB_TASK_FILE."),
    maxLogBytes: z
      .int()
      .min(1_024)
      .max(maximumLogBytes)
      .default(defaultLogBytes)
      .describe("Stored output of all panes; what exceeds it is cut, its tail is kept."),
    env: PaneEnvironment.default({}).describe("Plain values for the panes' environment. Not for secrets."),
  })
  .meta({ id: "JobOptions" });

/** The body of `POST /v1/jobs`. */
export const NewJob = z
  .strictObject({
    provider: Provider.describe("Whose built-in commands the roles get."),
    mode: Mode.describe("Which roles work, and in what order."),
    repo: z.string().min(1).max(2_048).describe("owner/name, or an https, ssh or file URL that the deployment allows."),
    ref: z
      .string()
      .regex(/^(?!-)[^\s~^:?*[\\\p{Cc}]{1,255}$/u, "a branch, tag or commit")
      .optional()
      .describe("Branch, tag or commit; the repository's default branch if absent."),
    task: Text.min(1)
      .refine((task) => new TextEncoder().encode(task).length <= maximumTaskBytes, "at most 100 KB of UTF-8 text")
      .describe("What the agents are to do, in any language."),
    options: JobOptions.prefault({}),
    labels: Labels.default({}).describe("The caller's own, for filtering lists."),
    metadata: z
      .record(z.string(), z.string())
      .refine(...atMostBytes(16 * 1024))
      .default({})
      .describe("The caller's own, echoed."),
  })
  .meta({ id: "NewJob" });
export type NewJob = z.infer<typeof NewJob>;
