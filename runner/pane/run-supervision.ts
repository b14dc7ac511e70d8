import { setTimeout as sleep } from "node:timers/promises";
import type { PaneParts, SilenceLimit } from "./pane.ts";
import type { StopCause } from "./pane-exit.ts";
import { type ProcessEnd, stopOrder } from "./protocol.ts";

const LOOK_EVERY_MILLISECONDS = 250;
const CHECK_CAPTURE_EVERY_LOOKS = 8;

// A wrapper sweeps within milliseconds of the grace; past this it hangs or was stopped.
const UNRESPONSIVE_AFTER_MILLISECONDS = 5_000;

// How long the spool has to rest after the end before its end marker counts as lost: no marker is on its way from a
// wrapper that is gone, only what tmux has read and not yet written.
const QUIET_MILLISECONDS = { wrapperLives: 5_000, wrapperIsGone: 500 } as const;

/** Watches one run from its order to its end, and stops it when it must not go on. */
export class RunSupervision implements AsyncDisposable {
  /** Undefined if the wrapper went first; whatever it left behind is killed by then. Never rejects. */
  readonly end: Promise<ProcessEnd | undefined>;
  cause: StopCause | undefined;
  /** The wrapper did not do as it was told, and was killed with all below it. */
  wasUnresponsive = false;
  survivors: readonly number[] = [];
  readonly #pane: PaneParts;
  readonly #run: number;
  readonly #silence: SilenceLimit | undefined;
  readonly #signal: AbortSignal;
  readonly #captureIsOver = new AbortController();
  readonly #isDisposed = new AbortController();
  readonly #looking: Promise<void>;
  #mustHaveEndedBy = Number.POSITIVE_INFINITY;
  #hasEnded = false;
  #spoolBytes = 0;
  // On a clock that stands still while the machine is suspended: nobody could have printed anything meanwhile.
  #spoolRestsSince = performance.now();

  constructor(pane: PaneParts, run: number, silence: SilenceLimit | undefined, signal: AbortSignal) {
    this.#pane = pane;
    this.#run = run;
    this.#silence = silence;
    this.#signal = signal;
    this.end = this.#awaitEnd();
    signal.addEventListener("abort", this.#abort);
    this.#looking = this.#keepLooking();
  }

  /** Aborted when nothing more will come into the spool. */
  get captureIsOver(): AbortSignal {
    return this.#captureIsOver.signal;
  }

  /** Has the command terminated, and after the grace all it started killed. Only the first call counts. */
  stop(cause: Exclude<StopCause, "silent">): void {
    // A silent command has been asked already, but with a grace that nobody who stops a job should wait for.
    if (this.cause !== undefined && this.cause !== "silent") return;
    this.#end(cause, "TERM", this.#pane.limits.stopGraceMilliseconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#isDisposed.abort();
    await this.#looking;
  }

  #end(cause: StopCause, signal: "INT" | "TERM", graceMilliseconds: number): void {
    this.cause = cause;
    this.#mustHaveEndedBy = performance.now() + graceMilliseconds + UNRESPONSIVE_AFTER_MILLISECONDS;
    this.#pane.connection.send(stopOrder(this.#run, signal, graceMilliseconds));
  }

  readonly #abort = (): void => this.stop("stopped");

  async #awaitEnd(): Promise<ProcessEnd | undefined> {
    const end = await this.#pane.connection.endOf(this.#run);
    if (!end) this.survivors = await this.#pane.killTree();
    this.#hasEnded = true;
    this.#spoolRestsSince = performance.now();
    return end;
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#isDisposed;
    for (let look = 1; !signal.aborted; look += 1) {
      await sleep(LOOK_EVERY_MILLISECONDS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#look(look).catch(() => this.#giveUpCapture());
    }
  }

  async #look(look: number): Promise<void> {
    const { spool, limits, killTree, isCaptured } = this.#pane;
    const bytes = await spool.sizeBytes();
    if (bytes !== this.#spoolBytes) this.#spoolRestsSince = performance.now();
    this.#spoolBytes = bytes;
    if (bytes > limits.maximumSpoolBytes) this.stop("output_limit");
    this.#endIfSilent();
    if (this.#hasHungSinceStop()) {
      this.wasUnresponsive = true;
      await killTree();
    }
    if (look % CHECK_CAPTURE_EVERY_LOOKS === 0 && !(await isCaptured())) {
      this.#giveUpCapture();
    }
    if (this.#hasRestedSinceEnd()) this.#captureIsOver.abort();
  }

  /** The spool or the process table cannot be read: then nobody knows whether all of the output is there. */
  #giveUpCapture(): void {
    this.stop("capture_failed");
    this.#captureIsOver.abort();
  }

  /** Not for want of output after the end: a slow reader may take long with what there is. */
  #endIfSilent(): void {
    const silence = this.#silence;
    if (!silence || this.cause !== undefined || this.#hasEnded) return;
    if (performance.now() - this.#spoolRestsSince < silence.milliseconds) return;
    silence.onHit();
    this.#end("silent", "INT", silence.graceMilliseconds);
  }

  #hasRestedSinceEnd(): boolean {
    const allowed = QUIET_MILLISECONDS[this.#pane.connection.isOpen ? "wrapperLives" : "wrapperIsGone"];
    return this.#hasEnded && performance.now() - this.#spoolRestsSince > allowed;
  }

  #hasHungSinceStop(): boolean {
    return !this.#hasEnded && performance.now() > this.#mustHaveEndedBy;
  }
}
