import { setTimeout as delay } from "node:timers/promises";
import { Superseded } from "../core/errors.ts";
import type { NewJobEvent } from "../core/job-events.ts";
import { appendEvents, type EventWriter } from "../core/lifecycle/append-events.ts";
import { flushAfterBytes, flushAfterMilliseconds, flushBurst, paneOutputChunkBytes } from "../core/limits.ts";
import type { EventLog } from "../core/ports.ts";
import type { JobStop } from "./job-stop.ts";
import { persistently } from "./persistently.ts";

/** Writers wait while this much is not stored yet: what they have is safe in the panes' spool files. */
const backlogBytes = 512 * 1024;

interface Pending {
  readonly event: NewJobEvent;
  readonly bytes: number;
}

/**
 * Collects the events of a job and stores them in batches, one write at a time, in the order in which they came. What
 * comes after a quiet time is stored at once; what comes steadily waits until it is old or much enough for a batch.
 */
export class JobEventWriter implements AsyncDisposable {
  readonly author: EventWriter;
  readonly #log: EventLog;
  readonly #stop: JobStop;
  readonly #loop: Promise<void>;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #isStoring = false;
  #isHurried = false;
  #isClosed = false;
  /** When the stores so far would have been due, had they come steadily: how much of the burst is used up. */
  #steadyAt = Number.NEGATIVE_INFINITY;
  #changed = Promise.withResolvers<void>();

  constructor(log: EventLog, author: EventWriter, stop: JobStop) {
    this.#log = log;
    this.author = author;
    this.#stop = stop;
    stop.abandoned.addEventListener("abort", () => this.#notify());
    this.#loop = this.#storeBatches();
  }

  /** Resolves when there is room for more; the event itself may be stored later. */
  async write(event: NewJobEvent): Promise<void> {
    this.#add(event);
    while (this.#pendingBytes > backlogBytes && !this.#stop.abandoned.aborted) await this.#changed.promise;
  }

  /** Resolves when everything written so far is stored, or nothing may be stored any more. */
  async flush(): Promise<void> {
    this.#isHurried = true;
    this.#notify();
    while ((this.#pending.length > 0 || this.#isStoring) && !this.#stop.abandoned.aborted) await this.#changed.promise;
    this.#isHurried = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    this.#isClosed = true;
    this.#notify();
    await this.#loop;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #add(event: NewJobEvent): void {
    const last = this.#pending.at(-1);
    const merged = last && mergedOutput(last, event);
    if (merged) this.#pending.pop();
    const added = merged ?? { event, bytes: Buffer.byteLength(JSON.stringify(event)) };
    this.#pending.push(added);
    this.#pendingBytes += added.bytes - (merged ? last.bytes : 0);
    if (this.#pending.length === 1 || this.#pendingBytes >= flushAfterBytes) this.#notify();
  }

  async #storeBatches(): Promise<void> {
    while (!this.#stop.abandoned.aborted) {
      if (this.#pending.length > 0) {
        await this.#untilDue();
        await this.#store(this.#takeBatch());
        this.#notify();
      } else if (this.#isClosed) return;
      else await this.#changed.promise;
    }
  }

  async #untilDue(): Promise<void> {
    const dueAt = this.#steadyAt - (flushBurst - 1) * flushAfterMilliseconds;
    const waiting = new AbortController();
    while (!this.#isHurried && this.#pendingBytes < flushAfterBytes && performance.now() < dueAt) {
      await Promise.race([pause(dueAt - performance.now() + 1, waiting.signal), this.#changed.promise]);
      if (this.#stop.abandoned.aborted) break;
    }
    waiting.abort();
  }

  #takeBatch(): NewJobEvent[] {
    let bytes = 0;
    const end = this.#pending.findIndex((pending) => {
      bytes += pending.bytes;
      return bytes >= flushAfterBytes;
    });
    const taken = this.#pending.splice(0, end === -1 ? this.#pending.length : end + 1);
    this.#pendingBytes -= taken.reduce((sum, pending) => sum + pending.bytes, 0);
    return taken.map((pending) => pending.event);
  }

  /** Persistently: a job must not go on as if none of its events were missing. */
  async #store(events: readonly NewJobEvent[]): Promise<void> {
    this.#isStoring = true;
    this.#steadyAt = Math.max(this.#steadyAt, performance.now()) + flushAfterMilliseconds;
    // One id for all tries: a batch that was stored although the answer was lost is then not stored twice.
    const batchId = crypto.randomUUID();
    await persistently(this.#stop, () => this.#append(events, batchId), { jobId: this.author.jobId });
    this.#isStoring = false;
  }

  async #append(events: readonly NewJobEvent[], batchId: string): Promise<void> {
    try {
      await appendEvents(this.#log, this.author, events, batchId);
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      this.#stop.stop("superseded");
    }
  }
}

/** Ends early, without an error, when the signal is aborted. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** A pane that writes often in small pieces gets one event for several of them. */
function mergedOutput(last: Pending, next: NewJobEvent): Pending | undefined {
  const { event } = last;
  if (event.type !== "pane_output" || next.type !== "pane_output" || event.role !== next.role) return undefined;
  const bytes = last.bytes + Buffer.byteLength(JSON.stringify(next.data.text)) - 2;
  if (bytes > paneOutputChunkBytes) return undefined;
  return { event: { ...event, data: { ...event.data, text: event.data.text + next.data.text } }, bytes };
}
