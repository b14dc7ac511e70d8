import type { JobSpec } from "../../core/job.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import { reasonOf } from "../../core/reasons.ts";
import { jobSpec } from "../helpers/jobs.ts";
import { Ledger } from "./ledger.ts";
import { drawProfile, type Profile } from "./profile.ts";
import { Random } from "./random.ts";
import { type Actor, Scheduler, type Trace } from "./scheduler.ts";
import { SimulatedCluster, type Task } from "./simulated-cluster.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { simulateRunner, type Work } from "./simulated-runner.ts";
import { makeStores, type StoreKind, type Stores, storesOf } from "./stores.ts";

const spec: JobSpec = jobSpec();
const failure = { status: "failed", reason: reasonOf("stage_failed", "The executor exited with code 1.") } as const;

/** The service in one schedule: its real stores, its simulated queue and cluster, and whoever acts on them. */
export class World {
  readonly random: Random;
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly queue: SimulatedQueue;
  readonly cluster: SimulatedCluster;
  readonly stores: Stores;
  readonly spec = spec;
  #actors = 0;

  private constructor(random: Random, profile: Profile, stores: Stores, trace: Trace | undefined) {
    this.random = random;
    this.profile = profile;
    this.stores = stores;
    this.scheduler = new Scheduler(random, profile.faults, trace);
    this.ledger = new Ledger(profile.maximumConcurrentJobs);
    this.queue = new SimulatedQueue(this.scheduler, profile.disorder);
    this.cluster = new SimulatedCluster(this.scheduler, profile.room);
  }

  static async create(seed: number, kind: StoreKind, trace?: Trace): Promise<World> {
    const random = new Random(seed);
    // What costs twenty times as much is done in smaller pieces: there is more variety in the same time.
    const profile = drawProfile(random, kind === "memory" ? 1 : 0.5);
    trace?.(JSON.stringify(profile));
    return new World(random, profile, await makeStores(kind, profile.tenants), trace);
  }

  /** Begins something of the service's own: a request or a background task. */
  begin(what: string, act: (ports: StartPorts) => Promise<unknown>): void {
    const actor = this.scheduler.actor(`${what}.${++this.#actors}`);
    this.scheduler.spawn(actor, () => act(this.portsOf(actor)));
  }

  portsOf(actor: Actor): StartPorts {
    const { maximumConcurrentJobs } = this.profile;
    return {
      ...storesOf(actor, this.stores, this.scheduler, this.ledger),
      queue: this.queue.portOf(actor),
      launcher: this.cluster.portOf(actor),
      now: () => new Date(this.scheduler.now + actor.clockSkewMilliseconds),
      maximumConcurrentJobs,
    };
  }

  /** The task's runner begins, and takes the task with it when it ends. */
  boot(task: Task): void {
    if (task.isStuck || task.runner !== undefined || task.stoppedAt !== undefined) return;
    const { scheduler, ledger, cluster } = this;
    const actor = scheduler.actor(task.taskId, () => {
      task.stoppedAt ??= scheduler.now;
      ledger.leaves(task.taskId);
    });
    task.runner = actor;
    const ports = this.portsOf(actor);
    scheduler.spawn(actor, async () => {
      try {
        await simulateRunner({ scheduler, ledger, ports, task, actor, work: this.#work() });
      } finally {
        cluster.kill(task);
      }
    });
  }

  #work(): Work {
    const { random, profile } = this;
    const pausesMilliseconds = Array.from({ length: random.between(0, 2) }, () => random.between(0, 40_000));
    const succeeds = random.isTrue(0.8);
    return {
      pausesMilliseconds,
      maxMinutes: profile.isCalm || random.isTrue(0.8) ? 60 : 1,
      ending: succeeds ? { status: "succeeded", reason: null } : failure,
    };
  }
}
