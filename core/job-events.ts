import * as z from "zod";
import { JobStatus, Waiting } from "./job.ts";
import { Mode } from "./modes.ts";
import { Reason } from "./reasons.ts";
import { Provider, Role } from "./roles.ts";
import { Verdict } from "./verdict.ts";

/** The event types and what each carries in `data`: made when asked for, since each function has the list of types. */
const dataSchemas = {
  job_queued: () => z.strictObject({ provider: Provider, mode: Mode, repo: z.string(), ref: z.string().nullable() }),
  job_waiting: () => z.strictObject({ reason: Waiting }),
  runner_started: () => z.strictObject({ owner: z.string() }),
  git_clone_started: () => z.strictObject({ repo: z.string(), ref: z.string().nullable() }),
  git_clone_finished: () => z.strictObject({ baseSha: z.string(), durationMs: z.int() }),
  tmux_session_started: () => z.strictObject({ session: z.string(), attachCommand: z.string() }),
  attach_granted: () =>
    z.strictObject({
      write: z.boolean().describe("Whether keys go to the panes; else only looking."),
      sessionId: z.string().describe("Names the session where its provider keeps a record."),
      requestId: z.string().describe("The request that was granted it."),
    }),
  pane_started: () => z.strictObject({ paneId: z.string(), stage: z.string(), command: z.string() }),
  pane_output: () =>
    z.strictObject({
      text: z.string().describe("The pane's bytes as UTF-8 text, escape codes kept, known secrets replaced."),
      offset: z.int().describe("Bytes of this role's output before this chunk."),
    }),
  output_truncated: () =>
    z.strictObject({ skippedBytes: z.int().describe("Bytes of this role's output that were cut.") }),
  stage_finished: () =>
    z.strictObject({
      stage: z.string(),
      exitCode: z.int().nullable(),
      signal: z.string().nullable(),
      durationMs: z.int(),
      reason: z.string().nullable(),
    }),
  verdict: () => Verdict,
  limit_hit: () => z.strictObject({ limit: z.enum(["maxMinutes", "output", "silence"]), detail: z.string() }),
  runner_lost: () => z.strictObject({ detail: z.string().describe("What became of the runner that the job had.") }),
  job_finished: () =>
    z.strictObject({
      status: JobStatus,
      verified: z.boolean(),
      reason: Reason.nullable(),
      usage: z.null(),
      costUsd: z.number().nullable(),
    }),
} as const satisfies Record<string, () => z.ZodType>;

export type JobEventType = keyof typeof dataSchemas;
export const JobEventType = z.enum(Object.keys(dataSchemas) as [JobEventType, ...JobEventType[]]);

const position = {
  seq: z.int().positive().describe("Dense per job: 1, 2, 3 … A missing number is a bug."),
  ts: z.iso.datetime({ precision: 3 }),
  attempt: z.int(),
  role: Role.optional().describe("The pane that the event is about."),
};

type DataOf<Type extends JobEventType> = z.infer<ReturnType<(typeof dataSchemas)[Type]>>;

/** One line of a job's history. */
export type JobEvent = {
  [Type in JobEventType]: z.infer<z.ZodObject<typeof position>> & { type: Type; data: DataOf<Type> };
}[JobEventType];
/** Made when it is first used: every function's cold start would pay for it, and only the API's description uses it. */
export const JobEvent: z.ZodType<JobEvent> = z.lazy(() => {
  const eventSchemas = JobEventType.options.map(eventSchema);
  return z.discriminatedUnion("type", eventSchemas as never).meta({ id: "JobEvent" }) as never;
});

function eventSchema(type: JobEventType) {
  return z
    .strictObject({ ...position, type: z.literal(type), data: dataSchemas[type]() })
    .meta({ id: `JobEvent_${type}` });
}

/** An event before the log has given it its place: no seq, no attempt. */
export type NewJobEvent = {
  [Type in JobEventType]: {
    readonly type: Type;
    readonly ts: string;
    readonly role?: Role;
    readonly data: DataOf<Type>;
  };
}[JobEventType];
