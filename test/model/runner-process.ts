import { heartbeatGiveUpSeconds } from "../../core/limits.ts";
import type { StopCause } from "../../runner/job-stop.ts";
import { Outage } from "./faults.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

/** What runner/job-stop.ts and runner/persistently.ts give a runner, on simulated time. */
export class RunnerProcess {
  readonly scheduler: Scheduler;
  readonly actor: Actor;
  /** Why the job is ended before its time; the first cause wins. */
  cause: StopCause | undefined;
  /** Nothing about the job may be written any more. */
  isAbandoned = false;
  readonly #stopped = Promise.withResolvers<void>();

  constructor(scheduler: Scheduler, actor: Actor) {
    this.scheduler = scheduler;
    this.actor = actor;
  }

  /** Resolves when the panes must end. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  stop(cause: StopCause): void {
    this.cause ??= cause;
    if (cause === "superseded" || cause === "lost_contact") this.isAbandoned = true;
    this.#stopped.resolve();
  }

  sleep(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.scheduler.after(this.actor, milliseconds, resolve);
    return promise;
  }

  async sleepUnlessStopped(milliseconds: number): Promise<void> {
    await Promise.race([this.sleep(milliseconds), this.stopped]);
  }

  async persistently<Answer>(act: () => Promise<Answer>): Promise<Answer | undefined> {
    const giveUpAt = this.scheduler.now + heartbeatGiveUpSeconds * 1_000;
    while (!this.isAbandoned) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Outage)) throw error;
      }
      if (this.scheduler.now > giveUpAt) this.stop("lost_contact");
      if (!this.isAbandoned) await this.sleep(1_000);
    }
    return undefined;
  }
}
