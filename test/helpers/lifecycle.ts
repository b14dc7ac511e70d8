import type { JobRecord, JobSpec } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { acceptJob } from "../../core/lifecycle/accept-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { type Ending, finishJob } from "../../core/lifecycle/finish-job.ts";
import { startJob } from "../../core/lifecycle/start-job.ts";
import type { EventLog, JobStore } from "../../core/ports.ts";
import { inMemoryJobQueue } from "../fakes/in-memory-job-queue.ts";
import { inMemoryRunnerLauncher } from "../fakes/in-memory-runner-launcher.ts";
import { jobSpec, queuedJob } from "./jobs.ts";
import { TestClock } from "./test-clock.ts";

/** The given stores with a queue, a launcher and a clock of the test's own, and the steps of a job's life on them. */
export class Lifecycle {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly queue = inMemoryJobQueue();
  readonly launcher = inMemoryRunnerLauncher();
  readonly clock = new TestClock();
  readonly now = this.clock.now;

  constructor(stores: { readonly jobs: JobStore; readonly events: EventLog }) {
    this.jobs = stores.jobs;
    this.events = stores.events;
  }

  async accepted(more: Partial<JobRecord> = {}, spec: JobSpec = jobSpec()): Promise<JobRecord> {
    const job = queuedJob(more, spec);
    await acceptJob(this, job, spec);
    return job;
  }

  async starting(more: Partial<JobRecord> = {}): Promise<JobRecord> {
    const { jobId } = await this.accepted(more);
    await startJob(this, await this.row(jobId));
    return this.row(jobId);
  }

  /** Claimed by the task that was launched for it, for an hour at most. */
  async running(more: Partial<JobRecord> = {}): Promise<JobRecord> {
    const hint = await this.starting(more);
    const claimed = await claimJob(this, hint, { owner: this.launcher.taskOf(hint), maxMinutes: 60 });
    if (claimed === undefined) throw new Error("The job could not be claimed.");
    return claimed;
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

  history(jobId: string): Promise<readonly JobEvent[]> {
    return this.events.read(jobId, 0, { events: 1_000, bytes: 10 * 1024 * 1024 });
  }

  async isLive(jobId: string): Promise<boolean> {
    return (await Array.fromAsync(this.jobs.listLive())).includes(jobId);
  }
}
