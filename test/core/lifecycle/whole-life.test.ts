import * as fc from "fast-check";
import { ulid } from "ulid";
import { expect, test } from "vitest";
import { Superseded } from "../../../core/errors.ts";
import { isTerminal, type JobRecord } from "../../../core/job.ts";
import { acceptJob } from "../../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../../core/lifecycle/admit-jobs.ts";
import { appendEvents, type EventWriter } from "../../../core/lifecycle/append-events.ts";
import { cancelJob } from "../../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import type { StartPorts } from "../../../core/lifecycle/lifecycle-ports.ts";
import { reconcileJobs } from "../../../core/lifecycle/reconcile-jobs.ts";
import { leaseSeconds, maximumAttempts, maximumLostLaunches, startSeconds } from "../../../core/limits.ts";
import type { JobHint } from "../../../core/ports.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { output, seqs, upTo } from "../../helpers/events.ts";
import { jobSpec, queuedJob } from "../../helpers/jobs.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

/** A call of a port that fails: before it has done anything, or after, so that only its answer is lost. */
type Fault = "before" | "after" | undefined;

class Crash extends Error {}

/** What can happen to the service, in any order and number. `pick` chooses among what there is. */
const actions = [
  "accept",
  "take",
  "take",
  "write",
  "write",
  "beat",
  "finish",
  "die",
  "cancel",
  "reconcile",
  "wait",
] as const;
interface Step {
  readonly action: (typeof actions)[number];
  readonly pick: number;
  readonly faults: readonly Fault[];
}
const fault = fc.constantFrom<Fault[]>(undefined, undefined, undefined, undefined, "before", "after");
const steps = fc.array(
  fc.record<Step>({
    action: fc.constantFrom(...actions),
    pick: fc.nat({ max: 1_000 }),
    faults: fc.array(fault, { maxLength: 6 }),
  }),
  { minLength: 5, maxLength: 60 },
);

interface Runner {
  readonly job: JobRecord;
  readonly writer: EventWriter;
}

/** The service with its runners, some of which have been given up for lost and go on all the same. */
class World {
  readonly life = new Lifecycle(inMemoryStores());
  readonly accepted: string[] = [];
  readonly claims: JobHint[] = [];
  runners: Runner[] = [];
  #faults: Fault[] = [];
  readonly #owners = new Set<string>();
  readonly #ports: StartPorts = {
    jobs: this.#failing(this.life.jobs),
    events: this.#failing(this.life.events),
    slots: this.#failing(this.life.slots),
    queue: this.#failing(this.life.queue),
    launcher: this.#failing(this.life.launcher),
    now: this.life.now,
    maximumConcurrentJobs: this.life.maximumConcurrentJobs,
  };

  async run({ action, pick, faults }: Step): Promise<void> {
    this.#faults = [...faults];
    try {
      await this[action](pick);
    } catch (error) {
      if (!(error instanceof Crash || error instanceof Superseded)) throw error;
    } finally {
      this.#faults = [];
    }
  }

  async accept(): Promise<void> {
    const job = queuedJob({ jobId: ulid() });
    this.accepted.push(job.jobId);
    await acceptJob(this.#ports, job, jobSpec());
    await admitJobs(this.#ports, job.tenantId, job);
  }

  /** Any hint that was ever sent, in any order and as often as it comes. */
  async take(pick: number): Promise<void> {
    const hint = this.life.queue.sent[pick % (this.life.queue.sent.length || 1)];
    if (hint === undefined) return;
    // A hint that comes twice comes to two tasks: one task takes one job.
    const task = this.life.launcher.taskOf(hint);
    const owner = this.#owners.has(task) ? `${task} (${this.#owners.size})` : task;
    this.#owners.add(owner);
    const job = await claimJob(this.#ports, hint, { owner, maxMinutes: 60 });
    if (job === undefined) return;
    this.claims.push(hint);
    this.runners.push({ job, writer: { jobId: job.jobId, attempt: job.attempt, tail: undefined } });
  }

  async write(pick: number): Promise<void> {
    const runner = this.#runner(pick);
    if (runner)
      await appendEvents(
        this.#ports.events,
        runner.writer,
        upTo(1 + (pick % 3))
          .map(String)
          .map(output),
      );
  }

  async beat(pick: number): Promise<void> {
    const runner = this.#runner(pick);
    if (!runner) return;
    const { jobId, attempt, owner } = runner.job;
    const leaseUntil = this.life.now().getTime() + leaseSeconds * 1_000;
    await this.#ports.jobs.update(jobId, { status: ["running"], attempt, owner: owner ?? "" }, { leaseUntil });
  }

  async finish(pick: number): Promise<void> {
    const runner = this.#runner(pick);
    if (!runner) return;
    this.runners = this.runners.filter((other) => other !== runner);
    await finishJob(this.#ports, runner.job, { status: "succeeded", reason: null }, { writer: runner.writer });
  }

  async die(pick: number): Promise<void> {
    const runner = this.#runner(pick);
    this.runners = this.runners.filter((other) => other !== runner);
    if (runner) this.life.launcher.end(runner.job.owner ?? "");
  }

  async cancel(pick: number): Promise<void> {
    const jobId = this.accepted[pick % (this.accepted.length || 1)];
    const job = jobId === undefined ? undefined : await this.#ports.jobs.get(jobId);
    if (job) await cancelJob(this.#ports, job);
  }

  async reconcile(): Promise<void> {
    await reconcileJobs(this.#ports);
  }

  async wait(pick: number): Promise<void> {
    this.life.clock.pass(pick);
  }

  /** No runner comes or goes on any more, nothing fails; only reconcile runs, as it does each minute. */
  async comeToRest(): Promise<void> {
    this.runners = [];
    for (const _ of upTo(maximumAttempts + maximumLostLaunches)) {
      this.life.clock.pass(startSeconds + leaseSeconds);
      await reconcileJobs(this.life);
    }
  }

  #runner(pick: number): Runner | undefined {
    return this.runners[pick % (this.runners.length || 1)];
  }

  #failing<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name, receiver) => {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof method !== "function" || method.constructor.name === "AsyncGeneratorFunction") return method;
        return async (...parameters: unknown[]) => {
          const kind = this.#faults.shift();
          if (kind === "before") throw new Crash();
          const answer = await method.apply(target, parameters);
          if (kind === "after") throw new Crash();
          return answer;
        };
      },
    });
  }
}

test("Whatever crashes, gets lost, doubled or late: every accepted job ends once, and its log is dense and closed", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = new World();
      for (const step of all) await world.run(step);

      await world.comeToRest();

      for (const place of ["active", "due"] as const) {
        expect(await Array.fromAsync(world.life.jobs.listLive(place))).toEqual([]);
      }
      const claimed = world.claims.map(({ jobId, attempt }) => `${jobId}-${attempt}`);
      expect(claimed.length).toBe(new Set(claimed).size);
      for (const jobId of world.accepted) {
        const job = await world.life.jobs.get(jobId);
        if (job === undefined) continue; // It was never accepted: the crash came before the row.
        const history = await world.life.history(jobId);
        expect(isTerminal(job.status)).toBe(true);
        expect(job.reason === null).toBe(job.status === "succeeded");
        expect(job.attempt).toBeLessThanOrEqual(maximumAttempts);
        expect(seqs(history)).toEqual(upTo(history.length));
        expect(job.lastSeq).toBe(history.length);
        expect(history[0]?.type).toBe("job_queued");
        expect(history.flatMap(({ type, seq }) => (type === "job_finished" ? [seq] : []))).toEqual([history.length]);
        expect(history.at(-1)?.data).toMatchObject({ status: job.status, reason: job.reason });
        expect(history.map(({ attempt }) => attempt)).toEqual(history.map(({ attempt }) => attempt).toSorted());
      }
    }),
    { numRuns: 400 },
  );
});
