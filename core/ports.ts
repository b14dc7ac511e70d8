import type { ApiKey } from "./api-key.ts";
import type { JobRecord, JobSpec, JobStatus } from "./job.ts";
import type { JobEvent } from "./job-events.ts";

/** What a conditional write of the job row demands of the row as it is stored. */
export interface JobGuard {
  readonly status: readonly JobStatus[];
  readonly attempt?: number;
  readonly owner?: string;
  readonly launches?: number;
  /** The lease as it was read: somebody who renewed it meanwhile wins. */
  readonly leaseUntil?: number;
  readonly cancelRequested?: false;
  readonly settled?: false;
}

/**
 * Where a job that is not settled is found: waiting for a slot of its tenant, `due` to be launched, or `active`, which is
 * everything else.
 */
export type LivePlace = "active" | "due" | { readonly waitingTenant: string };

export type JobChanges = Partial<
  Omit<JobRecord, "schema" | "jobId" | "tenantId" | "createdAt" | "labels"> & {
    readonly live: LivePlace;
    readonly settled: true;
  }
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
  /** Stores the job, as an active one, and what was asked for. Storing the same job again changes nothing. */
  create(record: JobRecord, spec: JobSpec): Promise<void>;
  /** Throws `NewerSchema` for a row that only a later version can read. */
  get(jobId: string): Promise<JobRecord | undefined>;
  /** As `get`, at half its price: what was written in the last moments may be missing. */
  glance(jobId: string): Promise<JobRecord | undefined>;
  getSpec(jobId: string): Promise<JobSpec | undefined>;
  /** Applies the changes if the guard holds; answers the row after them, or undefined if it did not hold. */
  update(jobId: string, guard: JobGuard, changes: JobChanges): Promise<JobRecord | undefined>;
  /** The tenant's jobs, newest first, older than `before`. `next` is where to go on, if there may be more. */
  list(
    tenantId: string,
    filter: JobFilter,
    page: { readonly before: string | undefined; readonly limit: number },
  ): Promise<{ jobs: { record: JobRecord; spec: JobSpec }[]; next: string | undefined }>;
  /** The ids of all jobs in this place. What was written last may be missing, here and in what follows. */
  listLive(place: "active" | "due"): AsyncIterable<string>;
  /** The ids of the tenant's waiting jobs, the oldest first. */
  listWaiting(tenantId: string): AsyncIterable<string>;
  /** How many jobs of the tenant wait, counted no further than `atMost`. */
  countWaiting(tenantId: string, atMost: number): Promise<number>;
  /** The tenants that have waiting jobs. */
  listWaitingTenants(): AsyncIterable<string>;
}

/** How many jobs of a tenant may run at once: exact, because a slot is taken and released by name. */
export interface TenantSlots {
  /** Gives the job a slot if fewer than `maximum` are taken. True also when the job has one already. */
  take(tenantId: string, jobId: string, maximum: number): Promise<boolean>;
  /** Releasing what is not held changes nothing. */
  release(tenantId: string, jobId: string): Promise<void>;
  /** The jobs that hold a slot. */
  holders(tenantId: string): Promise<readonly string[]>;
  /** The tenants that may have taken slots. */
  listTenants(): AsyncIterable<string>;
  /** Takes the tenant off that list if it has no holder. */
  forgetIfUnused(tenantId: string): Promise<void>;
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

/** One launch of a runner: `launch` counts the launches of the job. */
export interface Launch {
  readonly jobId: string;
  readonly attempt: number;
  readonly launch: number;
}

/** Which of the launches of a job. */
export type LaunchName = Pick<Launch, "jobId" | "launch">;

/** A task that has stopped, and why, in the words of who ran it. */
export interface RunnerEnd {
  readonly taskId: string;
  readonly why: string;
}

export interface RunnerTask {
  readonly taskId: string;
  readonly isAlive: boolean;
  readonly launchedAt: Date;
}

/** Starts runners. Which job a runner then takes is decided by the queue: the launch only says how many are needed. */
export interface RunnerLauncher {
  /** Starts one runner; the same launch again starts nothing new. Throws `LaunchRefused` and `NoCapacity`. */
  launch(launch: Launch): Promise<void>;
  /**
   * Starts one for whatever job comes next; the same name again starts nothing new. Answers whether it is a new one. Throws
   * as `launch`.
   */
  launchWarm(name: string): Promise<boolean>;
  /** All tasks that are alive; one that was launched a moment ago may be missing. */
  listAlive(): Promise<readonly string[]>;
  /** What is known of these tasks. One that nobody remembers is left out: it may have ended long ago, or live elsewhere. */
  describe(taskIds: readonly string[]): Promise<readonly RunnerTask[]>;
  /** How the launch's task has ended. Undefined while it may be alive, and where nobody remembers it. */
  endOf(launch: LaunchName): Promise<RunnerEnd | undefined>;
  /** Tells the task to stop. One that is not alive, or not known, is left as it is. */
  stop(taskId: string, why: string): Promise<void>;
}

/** The keys of the API. */
export interface ApiKeys {
  /** Stores a new key. Rejects where there is one of this id already. */
  create(key: ApiKey): Promise<void>;
  get(keyId: string): Promise<ApiKey | undefined>;
  /** The tenant's keys, or everybody's by tenant. What was written last may be missing. */
  list(tenantId?: string): AsyncIterable<ApiKey>;
  /** Answers the key, disabled since `at`, or since before; undefined where there is none. */
  disable(keyId: string, at: Date): Promise<ApiKey | undefined>;
}

/** A way to a runner's session, for one person and a moment: whoever has it gets in. */
export interface AttachGrant {
  readonly sessionId: string;
  readonly streamUrl: string;
  readonly tokenValue: string;
  /** Complete, to be pasted into a terminal. */
  readonly command: string;
}

/** Lets people in who have no rights of their own where runners run. */
export interface AttachGate {
  /** Opens a session in which the task's panes are shown. Throws `AttachUnavailable`. */
  open(taskId: string, access: { readonly write: boolean }): Promise<AttachGrant>;
}

export type Clock = () => Date;
