/** Why a job is ended before its time. */
export type StopCause = "cancelled" | "deadline" | "shutdown" | AbandonCause;

/** The job is somebody else's, or soon may be: this runner has nothing more to say about it. */
type AbandonCause = "superseded" | "lost_contact";

/** One for each job: whoever has a reason to end it says so here, and every wait of the job listens. First cause wins. */
export class JobStop {
  readonly #stopped = new AbortController();
  readonly #abandoned = new AbortController();
  #cause: StopCause | undefined;

  /** Aborted when the job's panes must end. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Aborted when, besides, nothing about the job may be written any more. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  stop(cause: StopCause): void {
    this.#cause ??= cause;
    if (cause === "superseded" || cause === "lost_contact") this.#abandoned.abort();
    this.#stopped.abort();
  }
}
