import { ulid } from "ulid";
import type { JobRecord, JobSpec } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { acceptJob } from "../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../core/lifecycle/admit-jobs.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { type Ending, finishJob } from "../../core/lifecycle/finish-job.ts";
import { defaultConcurrentJobs, leaseSeconds } from "../../core/limits.ts";
import type { EventLog, JobStore, TenantSlots } from "../../core/ports.ts";
import { inMemoryJobQueue } from "../fakes/in-memory-job-queue.ts";
import { inMemoryRunnerLauncher } from "../fakes/in-memory-runner-launcher.ts";
import type { Stores } from "../fakes/in-memory-stores.ts";
import { upTo } from "./events.ts";
import { jobSpec, queuedJob } from "./jobs.ts";
import { TestClock } from "./test-clock.ts";

/** The given stores with a queue, a launcher and a clock of the test's own, and the steps of a job's life on them. */
export class Lifecycle {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
  readonly queue = inMemoryJobQueue();
  readonly clock = new TestClock();
  readonly now = this.clock.now;
  readonly launcher = inMemoryRunnerLauncher(this.now);
  readonly maximumConcurrentJobs: number;

  constructor(stores: Stores, maximumConcurrentJobs = defaultConcurrentJobs) {
    this.jobs = stores.jobs;
    this.events = stores.events;
    this.slots = stores.slots;
    this.maximumConcurrentJobs = maximumConcurrentJobs;
  }

  async accepted(more: Partial<JobRecord> = {}, spec: JobSpec = jobSpec()): Promise<JobRecord> {
    const job = queuedJob(more, spec);
    await acceptJob(this, job, spec);
    return job;
  }

  /** Accepted, and started if there is a slot and room for it: else it waits. */
  async submitted(more: Partial<JobRecord> = {}): Promise<JobRecord> {
    const job = await this.accepted(more);
    await admitJobs(this, job.tenantId, job);
    return this.row(job.jobId);
  }

  async starting(more: Partial<JobRecord> = {}): Promise<JobRecord> {
    return this.submitted(more);
  }

  /** Claimed by the task that was launched for it last, for an hour at most. */
  async claimed(job: JobRecord): Promise<JobRecord> {
    const claimed = await claimJob(this, job, { owner: this.launcher.taskOf(job), maxMinutes: 60 });
    if (claimed === undefined) throw new Error("The job could not be claimed.");
    return claimed;
  }

  async running(more: Partial<JobRecord> = {}): Promise<JobRecord> {
    return this.claimed(await this.starting(more));
  }

  /** As its runner renews the lease of a running job. */
  async renewed({ jobId, attempt }: JobRecord): Promise<JobRecord> {
    const leaseUntil = this.now().getTime() + leaseSeconds * 1_000;
    const renewed = await this.jobs.update(jobId, { status: ["running"], attempt }, { leaseUntil });
    if (renewed === undefined) throw new Error("The lease could not be renewed.");
    return renewed;
  }

  async ended(
    ending: Ending = { status: "succeeded", reason: null },
    more: Partial<JobRecord> = {},
  ): Promise<JobRecord> {
    const job = await this.running(more);
    await finishJob(this, job, ending);
    return this.row(job.jobId);
  }

  async row(jobId: string): Promise<JobRecord> {
    const job = await this.jobs.get(jobId);
    if (job === undefined) throw new Error(`There is no job ${jobId}.`);
    return job;
  }

  rows(jobIds: readonly string[]): Promise<JobRecord[]> {
    return Promise.all(jobIds.map((jobId) => this.row(jobId)));
  }

  history(jobId: string): Promise<readonly JobEvent[]> {
    return this.events.read(jobId, 0, { events: 1_000, bytes: 10 * 1024 * 1024 });
  }

  /** Whether anybody still looks after the job. */
  async isLive(jobId: string): Promise<boolean> {
    const { tenantId } = await this.row(jobId);
    const places = [this.jobs.listLive("active"), this.jobs.listLive("due"), this.jobs.listWaiting(tenantId)];
    const ids = await Promise.all(places.map((place) => Array.fromAsync(place)));
    return ids.flat().includes(jobId);
  }

  async holdsSlot({ tenantId, jobId }: Pick<JobRecord, "tenantId" | "jobId">): Promise<boolean> {
    return (await this.slots.holders(tenantId)).includes(jobId);
  }
}

/** New ids of jobs that are accepted one after the other. */
export function orderedIds(count: number): string[] {
  return upTo(count).map((millisecond) => ulid(millisecond));
}
