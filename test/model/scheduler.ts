import { setImmediate as untilSettled } from "node:timers/promises";
import { drawFault, type Fault, isDoneDespite, Outage } from "./faults.ts";
import type { Random } from "./random.ts";
import { Violation } from "./violation.ts";

/** Whoever calls ports: a request, a run of reconcile, a runner. Its wall clock goes wrong by some seconds. */
export interface Actor {
  readonly name: string;
  readonly clockSkewMilliseconds: number;
  /** What else is gone when it dies in the middle of a call. */
  readonly onDeath: () => void;
  isDead: boolean;
}

export type Trace = (line: string) => void;

interface Call {
  readonly actor: Actor;
  readonly label: string;
  readonly perform: () => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Timer {
  readonly actor: Actor;
  readonly at: number;
  readonly fire: () => void;
}

/**
 * Lets any number of actors run side by side, one call of a port at a time: every call waits for its turn, and chance
 * says whose turn it is and what goes wrong with the call. Time stands still but where it is made to pass.
 */
export class Scheduler {
  readonly random: Random;
  readonly trace: Trace | undefined;
  faultProbability: number;
  calls = 0;
  faults = 0;
  /** True time, in epoch milliseconds. */
  now = Date.parse("2026-11-22T10:00:00.000Z");
  #waiting: Call[] = [];
  #timers: Timer[] = [];
  #defect: { readonly error: unknown } | undefined;

  constructor(random: Random, faultProbability: number, trace?: Trace) {
    this.random = random;
    this.faultProbability = faultProbability;
    const beginAt = this.now;
    this.trace = trace && ((line) => trace(`${((this.now - beginAt) / 1_000).toFixed(3).padStart(9)} ${line}`));
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** When the next sleeper wakes up. */
  get nextTimer(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at));
  }

  actor(name: string, onDeath: () => void = () => {}): Actor {
    return { name, clockSkewMilliseconds: this.random.between(-5_000, 5_000), onDeath, isDead: false };
  }

  /** Begins what the actor does. An outage or its death may end it; any other error is a defect. */
  spawn(actor: Actor, act: () => Promise<unknown>): void {
    this.trace?.(`${actor.name} begins`);
    act().then(
      () => this.trace?.(`${actor.name} ends`),
      (error: unknown) => {
        if (!(error instanceof Outage)) this.#defect ??= { error };
        this.trace?.(`${actor.name} ends with ${String(error)}`);
      },
    );
  }

  /** Waits for a turn, then does it, as far as nothing goes wrong. */
  call<Answer>(actor: Actor, label: string, perform: () => Promise<Answer>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (!actor.isDead) {
      this.#waiting.push({ actor, label, perform, resolve: resolve as (answer: unknown) => void, reject });
    }
    return promise;
  }

  /** Calls `fire` once so much time has passed; the answer calls it off. */
  after(actor: Actor, milliseconds: number, fire: () => void): () => void {
    const timer = { actor, at: this.now + milliseconds, fire };
    if (!actor.isDead) this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  kill(actor: Actor): void {
    actor.isDead = true;
    this.#waiting = this.#waiting.filter((call) => call.actor !== actor);
    this.#timers = this.#timers.filter((timer) => timer.actor !== actor);
    actor.onDeath();
  }

  /** Gives one of the waiting calls its turn. */
  async step(): Promise<void> {
    await this.settle();
    if (this.#waiting.length === 0) return;
    const [call] = this.#waiting.splice(this.random.between(0, this.#waiting.length - 1), 1);
    if (call === undefined) return;
    this.calls++;
    const fault = drawFault(this.random, this.faultProbability);
    if (fault !== undefined) this.faults++;
    await this.#perform(call, fault);
    await this.settle();
  }

  /** Lets time pass, waking sleepers in order. Ends early where `mayStop` says so after some have woken up. */
  async pass(milliseconds: number, mayStop: () => boolean = () => false): Promise<void> {
    const until = this.now + milliseconds;
    for (let next = this.nextTimer; next !== undefined && next <= until; next = this.nextTimer) {
      this.now = Math.max(this.now, next);
      const due = this.#timers.filter(({ at }) => at <= this.now);
      this.#timers = this.#timers.filter(({ at }) => at > this.now);
      for (const { fire } of due) fire();
      await this.settle();
      if (this.hasWaiting && mayStop()) return;
    }
    this.now = until;
  }

  /** Until every actor waits for a turn, sleeps or has ended. */
  async settle(): Promise<void> {
    await untilSettled();
    if (this.#defect) throw this.#defect.error;
  }

  async #perform(call: Call, fault: Fault | undefined): Promise<void> {
    if (fault === "stalled") return this.#stall(call);
    if (fault === "failed_done_later") this.#doLater(call);
    if (fault === "repeated") await outcomeOf(call.perform);
    const outcome = fault === undefined || isDoneDespite[fault] ? await outcomeOf(call.perform) : undefined;
    this.trace?.(
      `${call.actor.name}: ${call.label} → ${[fault, outcome && described(outcome)].filter(Boolean).join(", ")}`,
    );
    this.#answer(call, fault, outcome);
  }

  #answer(call: Call, fault: Fault | undefined, outcome: Outcome | undefined): void {
    if (fault === "died" || fault === "died_when_done") this.kill(call.actor);
    else if (fault === "stalled_when_done") this.#stall({ ...call, perform: async () => answerOf(outcome) });
    else if (fault !== undefined && fault !== "repeated") call.reject(new Outage(`${call.label}: ${fault}`));
    else if (outcome && "error" in outcome) call.reject(outcome.error);
    else call.resolve(outcome?.answer);
  }

  /** Its turn comes when a lease may have ended meanwhile. */
  #stall(call: Call): void {
    this.trace?.(`${call.actor.name}: ${call.label} is held up`);
    this.after(call.actor, this.random.between(1, 300) * 1_000, () => this.#waiting.push(call));
  }

  /** It is on its way and nobody waits for it any more. */
  #doLater({ label, perform }: Call): void {
    this.call(this.actor("(late)"), label, perform).catch(() => undefined);
  }
}

type Outcome = { readonly answer: unknown } | { readonly error: unknown };

async function outcomeOf(perform: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await perform() };
  } catch (error) {
    if (error instanceof Violation) throw error;
    return { error };
  }
}

function answerOf(outcome: Outcome | undefined): unknown {
  if (outcome && "error" in outcome) throw outcome.error;
  return outcome?.answer;
}

function described(outcome: Outcome): string {
  return "error" in outcome ? String(outcome.error) : (JSON.stringify(outcome.answer) ?? "nothing");
}
