import * as z from "zod";
import { Mode } from "./modes.ts";
import { NewJob } from "./new-job.ts";
import { Reason } from "./reasons.ts";
import { Provider, Role } from "./roles.ts";
import { Verdict } from "./verdict.ts";

export const JobId = z
  .string()
  .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "a job id is a ULID: 26 characters, upper case")
  .meta({ id: "JobId", example: "01KB3Q9M6Y8Z4V5N7T2R1C0D9E" });

export const JobStatus = z.enum(["queued", "starting", "running", "succeeded", "failed", "cancelled", "timed_out"]);
export type JobStatus = z.infer<typeof JobStatus>;

/**
 * The state machine: from each status, the statuses that may follow. A terminal one absorbs. A job goes back to `starting`
 * when its runner is lost: as the next attempt.
 */
export const transitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ["starting", "failed", "cancelled"],
  starting: ["starting", "running", "failed", "cancelled"],
  running: ["starting", "succeeded", "failed", "cancelled", "timed_out"],
  succeeded: [],
  failed: [],
  cancelled: [],
  timed_out: [],
};

export function isTerminal(status: JobStatus): boolean {
  return transitions[status].length === 0;
}

/** The statuses from which `next` may be reached. */
export function statusesBefore(next: JobStatus): JobStatus[] {
  return JobStatus.options.filter((status) => transitions[status].includes(next));
}

const Timestamp = z.iso.datetime({ precision: 3 });

const PaneState = z.strictObject({
  role: Role,
  status: z.enum(["waiting", "running", "exited"]),
  exitCode: z.int().nullable(),
});

/** What was asked for: written once when the job is accepted, never changed. */
export const JobSpec = NewJob.extend({
  /** Where `repo` resolved to: what the runner clones. Holds no credential. */
  repositoryUrl: z.string(),
  /** The job that this one repeats. */
  retryOf: JobId.nullable(),
});
export type JobSpec = z.infer<typeof JobSpec>;

/** The version of the rows that this code writes and reads. A row of a later one is left to who can read it. */
export const jobSchema = 1;

/** Why a job that was accepted does not run yet: the tenant's slots are taken, or no runner could be started so far. */
export const Waiting = z.enum(["tenant_limit", "capacity"]);

/** Where the job stands: the one row that every actor changes, always under a condition. Kept under 1 KB. */
export const JobRecord = z.object({
  schema: z.literal(jobSchema),
  jobId: JobId,
  tenantId: z.string(),
  status: JobStatus,
  stage: z.string().nullable(),
  waiting: Waiting.nullable(),
  /** Raised with each start; what a runner writes holds only for the attempt that it claimed. */
  attempt: z.int(),
  /** How often a runner was launched for the job, refused launches included. */
  launches: z.int(),
  /** How often in a row a launched runner was not there to claim the job. */
  lostLaunches: z.int(),
  /** The task that holds the claim, and until when (epoch milliseconds). */
  owner: z.string().nullable(),
  leaseUntil: z.int().nullable(),
  /** Until when a launched runner may take to claim (epoch milliseconds); null while a start is due or not wanted. */
  startUntil: z.int().nullable(),
  cancelRequestedAt: Timestamp.nullable(),
  panes: z.array(PaneState),
  tmuxSession: z.string().nullable(),
  verdict: Verdict.nullable(),
  reason: Reason.nullable(),
  createdAt: Timestamp,
  /** Since when a runner is wanted for the present attempt. */
  startingSince: Timestamp.nullable(),
  startedAt: Timestamp.nullable(),
  endedAt: Timestamp.nullable(),
  deadlineAt: Timestamp.nullable(),
  /** The seq of `job_finished`; set once every side effect of the job's end is done. */
  lastSeq: z.int().nullable(),
  labels: z.record(z.string(), z.string()),
});
export type JobRecord = z.infer<typeof JobRecord>;

/**
 * The job as the API shows it, everywhere the same. Made when it is first used: every function's cold start would pay for
 * it, and only the API's description uses it.
 */
export const Job = z.lazy(() =>
  z
    .strictObject({
      jobId: JobId,
      status: JobStatus,
      stage: z.string().nullable().describe("The stage that runs, or ran last."),
      waiting: Waiting.nullable().describe(
        "Why the job does not run yet: as many of yours run as may, or no runner could be started so far.",
      ),
      attempt: z.int().describe("Counts on when a lost runner is replaced."),
      provider: Provider,
      mode: Mode,
      repo: z.string(),
      ref: z.string().nullable(),
      task: z.string(),
      labels: z.record(z.string(), z.string()),
      metadata: z.record(z.string(), z.string()),
      panes: z.array(PaneState.meta({ id: "PaneState" })),
      tmuxSession: z.string().nullable(),
      verified: z.boolean().nullable().describe("Whether a verdict stands behind the status; null until the job ends."),
      verdict: Verdict.nullable(),
      reason: Reason.meta({ id: "Reason" }).nullable().describe("Set on every terminal status but succeeded."),
      usage: z.null().describe("Tokens and money; not measured yet."),
      createdAt: Timestamp,
      startedAt: Timestamp.nullable().describe("When the first attempt began."),
      endedAt: Timestamp.nullable(),
      deadlineAt: Timestamp.nullable().describe("When the present attempt will have had its options.maxMinutes."),
      retryOf: JobId.nullable().describe("The job that this one repeats."),
      links: z.strictObject({ self: z.string(), events: z.string() }),
    })
    .meta({ id: "Job" }),
);
export type Job = z.infer<typeof Job>;

/** Whether a verdict stands behind the job's end, and nothing speaks against it. */
export function isVerified({ status, verdict }: Pick<JobRecord, "status" | "verdict">): boolean {
  return status === "succeeded" && verdict?.verdict === "pass";
}

export function toJob(record: JobRecord, spec: JobSpec): Job {
  const { provider, mode, repo, task, metadata } = spec;
  const { jobId, status, stage, waiting, attempt, panes, tmuxSession, verdict, reason, labels } = record;
  const { createdAt, startedAt, endedAt, deadlineAt } = record;
  return {
    ...{ jobId, status, stage, waiting, attempt, provider, mode, repo, ref: spec.ref ?? null, task, labels, metadata },
    ...{ panes, tmuxSession, verified: isTerminal(status) ? isVerified(record) : null, verdict, reason },
    ...{ usage: null, createdAt, startedAt, endedAt, deadlineAt, retryOf: spec.retryOf },
    links: { self: `/v1/jobs/${jobId}`, events: `/v1/jobs/${jobId}/events` },
  };
}
