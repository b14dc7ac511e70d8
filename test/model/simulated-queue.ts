import { hintVisibilitySeconds } from "../../core/limits.ts";
import type { JobHint, JobQueue } from "../../core/ports.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

interface Message {
  readonly hint: JobHint;
  visibleAt: number;
}

/** A queue that keeps no order, loses some messages, doubles others and brings old ones back. */
export class SimulatedQueue {
  /** Of a message, to be lost or to be doubled. */
  disorderProbability: number;
  readonly #scheduler: Scheduler;
  readonly #everSent: JobHint[] = [];
  #messages: Message[] = [];

  constructor(scheduler: Scheduler, disorderProbability: number) {
    this.#scheduler = scheduler;
    this.disorderProbability = disorderProbability;
  }

  portOf(actor: Actor): JobQueue {
    const call = <Answer>(label: string, perform: () => Promise<Answer>) => this.#scheduler.call(actor, label, perform);
    return {
      send: (hint) => call(`send ${hint.jobId} (${hint.attempt})`, async () => this.#send(hint)),
      receive: (signal) =>
        call("receive", async () => {
          const message = signal.aborted ? undefined : this.#receive();
          if (message === undefined) return undefined;
          const remove = async () => {
            this.#messages = this.#messages.filter((other) => other !== message);
          };
          return { hint: message.hint, delete: () => call("delete the hint", remove) };
        }),
    };
  }

  /** Delivers again what has been sent at any time. */
  sendAgain(): void {
    if (this.#everSent.length > 0) this.#put(this.#scheduler.random.oneOf(this.#everSent));
  }

  #send(hint: JobHint): void {
    const { random } = this.#scheduler;
    this.#everSent.push(hint);
    if (random.isTrue(this.disorderProbability)) return;
    this.#put(hint);
    if (random.isTrue(this.disorderProbability)) this.#put(hint);
  }

  #put(hint: JobHint): void {
    this.#messages.push({ hint, visibleAt: this.#scheduler.now });
  }

  #receive(): Message | undefined {
    const { random, now } = this.#scheduler;
    const visible = this.#messages.filter(({ visibleAt }) => visibleAt <= now);
    if (visible.length === 0) return undefined;
    const message = random.oneOf(visible);
    message.visibleAt = now + hintVisibilitySeconds * 1_000;
    return message;
  }
}
