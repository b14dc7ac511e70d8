import type { JobRecord, JobSpec, JobStatus } from "./job.ts";
import type { JobEvent } from "./job-events.ts";

/** What a conditional write of the job row demands of the row as it is stored. */
export interface JobGuard {
  readonly status: readonly JobStatus[];
  readonly attempt?: number;
  readonly owner?: string;
  /** The lease as it was read: somebody who renewed it meanwhile wins. */
  readonly leaseUntil?: number;
  readonly cancelRequested?: false;
  readonly settled?: false;
}

export type JobChanges = Partial<
  Omit<JobRecord, "jobId" | "tenantId" | "createdAt" | "labels"> & { readonly settled: true }
>;

export interface JobFilter {
  readonly status?: JobStatus | undefined;
  /** Name and value of each; all must match. */
  readonly labels: readonly (readonly [name: string, value: string])[];
}

export interface RequestMemory {
  readonly tenantId: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly jobId: string;
  /** Tells a request from its repetition. */
  readonly requestId: string;
}

/** The jobs: the only truth. Every write is a conditional write of one item. */
export interface JobStore {
  /** Remembers a request under its idempotency key; answers what is remembered, which may be an older request. */
  rememberRequest(request: RequestMemory): Promise<RequestMemory>;
  /** Stores the job and what was asked for. Storing the same job again changes nothing. */
  create(record: JobRecord, spec: JobSpec): Promise<void>;
  get(jobId: string): Promise<JobRecord | undefined>;
  getSpec(jobId: string): Promise<JobSpec | undefined>;
  /** Applies the changes if the guard holds; answers the row after them, or undefined if it did not hold. */
  update(jobId: string, guard: JobGuard, changes: JobChanges): Promise<JobRecord | undefined>;
  /** The tenant's jobs, newest first, older than `before`. `next` is where to go on, if there may be more. */
  list(
    tenantId: string,
    filter: JobFilter,
    page: { readonly before: string | undefined; readonly limit: number },
  ): Promise<{ jobs: { record: JobRecord; spec: JobSpec }[]; next: string | undefined }>;
  /** The ids of all jobs that are not settled. */
  listLive(): AsyncIterable<string>;
}

/** The end of a job's log. */
export interface EventTail {
  readonly seq: number;
  readonly attempt: number;
  /** `job_finished` has been written: nothing may follow. */
  readonly closed: boolean;
}

export interface EventBatch {
  readonly jobId: string;
  /** Unique per batch: tells a repeated write of the same batch from a conflict. */
  readonly batchId: string;
  readonly events: readonly JobEvent[];
}

/** The events of a job, ordered and without gaps. */
export interface EventLog {
  tail(jobId: string): Promise<EventTail>;
  /** Stores the batch if nobody has taken its first seq: false means that somebody has. */
  put(batch: EventBatch): Promise<boolean>;
  /** The events after `after`, in order, as many as fit the limits; at least one if there is one. */
  read(
    jobId: string,
    after: number,
    limits: { readonly events: number; readonly bytes: number },
  ): Promise<readonly JobEvent[]>;
}

/** Says that a job may be claimed. Only a hint: lost, doubled or late it changes nothing but latency. */
export interface JobHint {
  readonly jobId: string;
  readonly attempt: number;
}

export interface ReceivedHint {
  /** Undefined when the message is none of ours: not JSON, or of another version. */
  readonly hint: JobHint | undefined;
  delete(): Promise<void>;
}

export interface JobQueue {
  send(hint: JobHint): Promise<void>;
  /** Waits up to 20 s (the most that SQS allows) for one hint; an abort ends the wait without one. */
  receive(signal: AbortSignal): Promise<ReceivedHint | undefined>;
}

/** What is known of a launched task. One that nobody remembers may have stopped long ago, or may be alive all the same. */
export type TaskState = "alive" | "stopped" | "unknown";

export interface RunnerLauncher {
  /** Starts one runner; the same job and attempt again starts nothing new. Throws `LaunchRefused`. */
  launch(hint: JobHint): Promise<void>;
  /** Whether a task that was launched for this attempt is alive. */
  isLaunched(hint: JobHint): Promise<boolean>;
  state(taskId: string): Promise<TaskState>;
  stop(taskId: string, why: string): Promise<void>;
}

export type Clock = () => Date;
