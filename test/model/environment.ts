import { advanceWaiting } from "../../core/lifecycle/advance-waiting.ts";
import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { cancel, type Submission, submit } from "./requests.ts";
import { launchOf, type Task } from "./simulated-cluster.ts";
import { assertOnlyOutages } from "./trouble.ts";
import type { World } from "./world.ts";

/** What happens to the service from outside. */
type Happening =
  | "submit"
  | "submitAgain"
  | "cancel"
  | "reconcile"
  | "advance"
  | "boot"
  | "kill"
  | "terminate"
  | "sendAgain"
  | "changeRoom";

const calm: Readonly<Record<Happening, number>> = {
  ...{ submit: 5, submitAgain: 0.5, cancel: 0.5, reconcile: 2, advance: 1, boot: 6 },
  ...{ kill: 0, terminate: 0, sendAgain: 0, changeRoom: 0 },
};
const rough: Readonly<Record<Happening, number>> = {
  ...{ submit: 5, submitAgain: 0.7, cancel: 0.8, reconcile: 2.5, advance: 0.8, boot: 5 },
  ...{ kill: 0.6, terminate: 0.4, sendAgain: 0.7, changeRoom: 0.4 },
};

/** Decides turn by turn what happens next; chance knows no mercy. */
export class Environment {
  readonly #world: World;
  readonly #submissions: Submission[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async turn(): Promise<void> {
    const { scheduler, random, profile } = this.#world;
    await scheduler.pass(random.isTrue(0.9) ? random.between(1, 50) : random.between(50, 3_000));
    if (random.isTrue(profile.jumps)) await this.#jump();
    if (scheduler.hasWaiting && random.isTrue(0.75)) await scheduler.step();
    else this.happen();
  }

  happen(): void {
    const { random, profile } = this.#world;
    this[random.weighted(profile.isCalm ? calm : rough)]();
  }

  /** Mostly as long as a lease or a heartbeat takes, at times as long as a launch, seldom a day. */
  async #jump(): Promise<void> {
    const { scheduler, random } = this.#world;
    const seconds = random.isTrue(0.8) ? random.between(5, 130) : random.between(130, 1_000);
    await scheduler.pass((random.isTrue(0.02) ? 90_000 : seconds) * 1_000, () => random.isTrue(0.7));
  }

  submit(): void {
    const { random, profile } = this.#world;
    if (this.#submissions.length === profile.jobs) return;
    const submission = { tenantId: random.oneOf(profile.tenants), key: `job${this.#submissions.length + 1}` };
    this.#submissions.push(submission);
    submit(this.#world, submission);
  }

  submitAgain(): void {
    if (this.#submissions.length > 0) submit(this.#world, this.#world.random.oneOf(this.#submissions));
  }

  cancel(): void {
    const { ledger, random } = this.#world;
    if (ledger.jobs.length > 0) cancel(this.#world, random.oneOf(ledger.jobs).jobId);
  }

  /** By the minute, or because of a task that has stopped. */
  reconcile(): void {
    const { random, cluster } = this.#world;
    const stopped = cluster.tasks.filter(({ stoppedAt }) => stoppedAt !== undefined);
    const task = stopped.length > 0 && random.isTrue(0.5) ? random.oneOf(stopped) : undefined;
    this.#world.begin("reconcile", async (ports) => {
      const { trouble } = await reconcileJobs(ports, task && launchOf(task));
      assertOnlyOutages(trouble);
    });
  }

  advance(): void {
    this.#world.begin("advance", async (ports) => assertOnlyOutages((await advanceWaiting(ports)).errors));
  }

  boot(): void {
    const task = this.#anyTask(({ runner }) => runner === undefined);
    if (task) this.#world.boot(task);
  }

  kill(): void {
    const task = this.#anyTask(() => true);
    if (task) this.#world.cluster.kill(task);
  }

  terminate(): void {
    const task = this.#anyTask(() => true);
    if (task) this.#world.cluster.stop(task.taskId);
  }

  sendAgain(): void {
    this.#world.queue.sendAgain();
  }

  changeRoom(): void {
    const { random, cluster } = this.#world;
    cluster.room = random.between(0, 4);
    cluster.isRefusing = random.isTrue(0.1);
  }

  #anyTask(isWanted: (task: Task) => boolean): Task | undefined {
    const { random, cluster } = this.#world;
    const tasks = cluster.alive.filter(isWanted);
    return tasks.length === 0 ? undefined : random.oneOf(tasks);
  }
}
