import { isTerminal, type JobRecord } from "../../core/job.ts";
import type { EventBatch, JobChanges, LivePlace } from "../../core/ports.ts";
import { assertMayAppend, type StoredBatch } from "./log-invariants.ts";
import { assertRowStep } from "./row-invariants.ts";
import { Violation } from "./violation.ts";

/** One state of a job's row, since when. */
export interface Version {
  readonly record: JobRecord;
  readonly place: LivePlace | undefined;
  readonly since: number;
}

/**
 * What has really been stored, write by write, and who works on what: here every invariant that must hold at any moment
 * is judged, at the very moment.
 */
export class Ledger {
  readonly maximumConcurrentJobs: number;
  /** Of each job the present version and those before, the latest first. */
  readonly versions = new Map<string, Version[]>();
  readonly batches = new Map<string, StoredBatch[]>();
  /** By tenant. */
  readonly slots = new Map<string, Set<string>>();
  readonly cancelsAskedFor = new Set<string>();
  /** Jobs of which it has been said that they are accepted. */
  readonly accepted = new Set<string>();
  readonly #owners = new Map<string, string>();
  /** Jobs that had ended when somebody took a slot for them, who must give it back. */
  readonly #tookTooLate = new Set<string>();
  readonly #atWork = new Map<string, string>();

  constructor(maximumConcurrentJobs: number) {
    this.maximumConcurrentJobs = maximumConcurrentJobs;
  }

  get jobs(): JobRecord[] {
    return [...this.versions.values()].flatMap(([latest]) => (latest ? [latest.record] : []));
  }

  row(jobId: string): JobRecord | undefined {
    return this.versions.get(jobId)?.[0]?.record;
  }

  created(record: JobRecord, now: number): void {
    if (this.versions.has(record.jobId)) return;
    this.versions.set(record.jobId, [{ record, place: "active", since: now }]);
  }

  updated(after: JobRecord, changes: JobChanges, { by, now }: { readonly by: string; readonly now: number }): void {
    const versions = this.versions.get(after.jobId);
    const [before] = versions ?? [];
    if (versions === undefined || before === undefined) throw new Violation("a row is created once", after.jobId);
    const place = changes.settled ? undefined : (changes.live ?? before.place);
    versions.unshift({ record: after, place, since: now });
    assertRowStep(before.record, after);
    assertOwnRow(before.record, by);
    this.#assertOneOwner(before.record, after);
    this.#assertSlots(after);
    if (after.lastSeq !== null) this.#assertSettled(after);
  }

  tookSlot(tenantId: string, jobId: string): void {
    const holders = this.slots.get(tenantId) ?? new Set();
    const job = this.row(jobId);
    if (!holders.has(jobId) && job && isTerminal(job.status)) this.#tookTooLate.add(jobId);
    this.slots.set(tenantId, holders.add(jobId));
    if (holders.size <= this.maximumConcurrentJobs) return;
    throw new Violation("no more slots are taken than there are", `${tenantId}: ${[...holders].join(", ")}`);
  }

  releasedSlot(tenantId: string, jobId: string): void {
    this.slots.get(tenantId)?.delete(jobId);
    this.#tookTooLate.delete(jobId);
    const job = this.row(jobId);
    if (job) this.#assertSlots(job);
  }

  stored(batch: EventBatch): void {
    const log = this.batches.get(batch.jobId) ?? [];
    this.batches.set(batch.jobId, log);
    if (assertMayAppend(log, batch)) log.push(batch);
  }

  /** The panes of the runner's job start. */
  beginsWork({ jobId, attempt }: JobRecord, taskId: string): void {
    const other = this.#atWork.get(jobId);
    if (other !== undefined) {
      throw new Violation(
        "nobody works on a job that another works on",
        `${taskId} (${attempt}) and ${other} on ${jobId}`,
      );
    }
    this.#atWork.set(jobId, taskId);
  }

  /** They have ended, or never began. */
  endsWork({ jobId }: Pick<JobRecord, "jobId">, taskId: string): void {
    if (this.#atWork.get(jobId) === taskId) this.#atWork.delete(jobId);
  }

  /** A cancel was answered with this row: the job has ended, or will not go on. */
  cancelled(answered: JobRecord): void {
    const job = this.row(answered.jobId);
    if (isTerminal(answered.status) || (job && (isTerminal(job.status) || job.cancelRequestedAt !== null))) return;
    throw new Violation("an answered cancel is not lost", answered.jobId);
  }

  /** The task is gone, and all its processes with it. */
  leaves(taskId: string): void {
    for (const [jobId, worker] of this.#atWork) if (worker === taskId) this.#atWork.delete(jobId);
  }

  #assertOneOwner(before: JobRecord, after: JobRecord): void {
    if (after.owner === null || after.owner === before.owner) return;
    const attempt = `${after.jobId}-${after.attempt}`;
    for (const key of [attempt, after.owner]) {
      if (this.#owners.has(key)) {
        throw new Violation(
          "an attempt has one owner, an owner one attempt",
          `${attempt}: ${after.owner} after ${this.#owners.get(key)}`,
        );
      }
    }
    this.#owners.set(attempt, after.owner).set(after.owner, attempt);
    const other = this.#atWork.get(after.jobId);
    if (other !== undefined) {
      throw new Violation("nobody claims a job that another works on", `${after.owner} took ${attempt} from ${other}`);
    }
  }

  #assertSlots({ tenantId, jobId, status }: JobRecord): void {
    const holds = this.slots.get(tenantId)?.has(jobId) ?? false;
    if ((status === "starting" || status === "running") && !holds) {
      throw new Violation("what starts or runs holds a slot", `${jobId} is ${status}`);
    }
    const busy = this.jobs.filter((job) => job.tenantId === tenantId && ["starting", "running"].includes(job.status));
    if (busy.length > this.maximumConcurrentJobs) {
      throw new Violation("no tenant runs more jobs than it may", busy.map((job) => job.jobId).join(", "));
    }
  }

  #assertSettled({ tenantId, jobId, lastSeq }: JobRecord): void {
    const last = this.batches.get(jobId)?.at(-1)?.events.at(-1);
    if (last?.type !== "job_finished" || last.seq !== lastSeq) {
      throw new Violation(
        "what is settled has its last event",
        `${jobId}: lastSeq ${lastSeq}, last ${last?.type} ${last?.seq}`,
      );
    }
    if (this.slots.get(tenantId)?.has(jobId) && !this.#tookTooLate.has(jobId)) {
      throw new Violation("what is settled has given its slot back", jobId);
    }
  }
}

/** Runners have their task's name; whoever else writes owns nothing. */
function assertOwnRow({ jobId, status, owner, attempt }: JobRecord, by: string): void {
  if (!by.startsWith("task-") || status === "starting" || owner === by) return;
  throw new Violation("a runner writes to its own job alone", `${by} to ${jobId} (${attempt}) of ${owner}`);
}
