import { setTimeout as delay } from "node:timers/promises";
import { nameOf } from "./own-folder.ts";
import type { Blow } from "./plan.ts";
import { killAll, type Runner, type StackProcess } from "./stack-process.ts";

/** A runner that was harmed. */
export interface Harm {
  readonly taskId: string;
  readonly kind: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** When the stack answered again, where it was away; else `at`. */
  readonly serviceFrom: number;
}

interface Outage {
  readonly from: number;
  readonly to: number;
}

/** What was done, and to whom. */
export interface Damage {
  /** By kind. */
  readonly blows: readonly string[];
  readonly harms: readonly Harm[];
  /** From when the stack was struck to when it answered again, epoch milliseconds. */
  readonly outages: readonly Outage[];
  /** Exit codes of stacks that were asked to end: 0 is right. */
  readonly exitCodes: readonly (number | null)[];
  /** Processes that were still there when a stack that was asked to end had ended. */
  readonly leftBehind: readonly string[];
  /** From the start of the process to its first answer, milliseconds. */
  readonly startTimes: readonly number[];
}

/** A runner that cannot reach its store gives up after 75 s. */
const givesUpAfterMilliseconds = 70_000;
/** With less of a pause, a runner would be killed as the stack comes back. */
const longPauseMilliseconds = 3_000;

/** Strikes blow after blow until all are done or `signal` is aborted; the stack runs at the end. */
export async function strike(stack: StackProcess, blows: readonly Blow[], signal: AbortSignal): Promise<Damage> {
  const damage = new RecordedDamage(stack, signal);
  for (const blow of blows) {
    await delay(blow.afterMilliseconds, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    await damage.strike(blow);
  }
  return damage;
}

class RecordedDamage implements Damage {
  readonly blows: string[] = [];
  readonly harms: Harm[] = [];
  readonly outages: Outage[] = [];
  readonly exitCodes: (number | null)[] = [];
  readonly leftBehind: string[] = [];
  readonly startTimes: number[] = [];
  readonly #stack: StackProcess;
  readonly #signal: AbortSignal;

  constructor(stack: StackProcess, signal: AbortSignal) {
    this.#stack = stack;
    this.#signal = signal;
  }

  async strike(blow: Blow): Promise<void> {
    switch (blow.kind) {
      case "runner killed":
        return this.#strikeRunner(blow, "SIGKILL");
      case "runner told to stop":
        return this.#strikeRunner(blow, "SIGTERM");
      case "stack killed":
        return this.#killStack(blow);
      case "stack and runners killed":
        return this.#killBoth(blow);
      case "stack stopped by Ctrl-C":
        return this.#stopStack(blow);
    }
  }

  async #strikeRunner({ kind, which }: Blow, signal: NodeJS.Signals): Promise<void> {
    const victim = await this.#someRunner(which);
    if (victim === undefined) return;
    killAll([victim], signal);
    const at = Date.now();
    this.blows.push(kind);
    this.harms.push({ taskId: victim.taskId, kind, at, serviceFrom: at });
  }

  /** Waits for one. */
  async #someRunner(which: number): Promise<Runner | undefined> {
    for (;;) {
      const runner = oneOf(await this.#stack.runners(), which);
      if (runner !== undefined || this.#signal.aborted) return runner;
      await delay(100);
    }
  }

  /** The runners live on; where there is time, one of them dies while nobody is there to see it. */
  async #killStack({ kind, pauseMilliseconds, which }: Blow): Promise<void> {
    const before = await this.#stack.runners();
    const diedUnseen: Omit<Harm, "serviceFrom">[] = [];
    const at = Date.now();
    await this.#stack.end("SIGKILL");
    this.blows.push(kind);
    await delay(pauseMilliseconds / 2);
    const victim = pauseMilliseconds < longPauseMilliseconds ? undefined : oneOf(await this.#stack.runners(), which);
    if (victim !== undefined) {
      killAll([victim], "SIGKILL");
      const unseen = "runner killed while the stack was away";
      this.blows.push(unseen);
      diedUnseen.push({ taskId: victim.taskId, kind: unseen, at: Date.now() });
    }
    await delay(pauseMilliseconds / 2);
    const left = await this.#stack.runners();
    const serviceFrom = await this.#start(at);
    this.harms.push(...diedUnseen.map((harm) => ({ ...harm, serviceFrom })));
    if (pauseMilliseconds < givesUpAfterMilliseconds) return;
    const gone = before.filter(({ taskId }) => ![...left, victim].some((other) => other?.taskId === taskId));
    this.#harm(gone, { kind: "runner out of contact for 75 s", at: serviceFrom, serviceFrom });
  }

  async #killBoth({ kind, pauseMilliseconds, which }: Blow): Promise<void> {
    const runners = await this.#stack.runners();
    const at = Date.now();
    // Whoever is first sees, or does not see, the other one's end.
    if (which < 0.5) killAll(runners, "SIGKILL");
    await this.#stack.end("SIGKILL");
    // Also those that it started last.
    const late = await this.#stack.runners();
    killAll(late, "SIGKILL");
    this.blows.push(kind);
    await delay(pauseMilliseconds);
    const serviceFrom = await this.#start(at);
    this.#harm(distinct([...runners, ...late]), { kind, at, serviceFrom });
  }

  async #stopStack({ kind, pauseMilliseconds, which }: Blow): Promise<void> {
    const at = Date.now();
    const met = await this.#stack.runners();
    let isEnding = true;
    const ending = this.#stack.end(which < 0.5 ? "SIGINT" : "SIGTERM").finally(() => {
      isEnding = false;
    });
    // It may still launch some before it stops them all.
    while (isEnding) met.push(...(await this.#stack.runners()));
    this.exitCodes.push(await ending);
    this.leftBehind.push(...(await this.#stack.processes()).map(nameOf));
    this.blows.push(kind);
    await delay(pauseMilliseconds);
    const serviceFrom = await this.#start(at);
    this.#harm(distinct(met), { kind, at, serviceFrom });
  }

  #harm(runners: readonly Runner[], harm: Omit<Harm, "taskId">): void {
    this.harms.push(...runners.map(({ taskId }) => ({ ...harm, taskId })));
  }

  async #start(struckAt: number): Promise<number> {
    const beganAt = performance.now();
    await this.#stack.start();
    this.startTimes.push(performance.now() - beganAt);
    const to = Date.now();
    this.outages.push({ from: struckAt, to });
    return to;
  }
}

function oneOf(runners: readonly Runner[], which: number): Runner | undefined {
  return runners[Math.floor(which * runners.length)];
}

function distinct(runners: readonly Runner[]): Runner[] {
  return [...new Map(runners.map((runner) => [runner.taskId, runner])).values()];
}
