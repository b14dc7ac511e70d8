import type { NewJobEvent } from "../core/job-events.ts";
import { paneOutputChunkBytes, truncatedTailBytes } from "../core/limits.ts";
import type { Role } from "../core/roles.ts";
import type { OutputBudget } from "./output-budget.ts";
import { createRedactor } from "./redactor.ts";
import { TextTail } from "./text-tail.ts";
import { createUtf8Decoder } from "./utf8-decoder.ts";

type Emit = (event: NewJobEvent) => Promise<void>;

/** So little that its text fits one event: a broken byte becomes a character of three, a short secret a longer name. */
const pieceBytes = paneOutputChunkBytes / 4;

/**
 * Turns the bytes of one role's pane into events: decoded, secrets replaced, in chunks. What exceeds the job's budget is
 * left out, except for its last bytes.
 */
export class PaneOutput {
  readonly #role: Role;
  readonly #budget: OutputBudget;
  readonly #emit: Emit;
  readonly #decoder = createUtf8Decoder();
  readonly #redactor: ReturnType<typeof createRedactor>;
  /** Bytes that came in, and bytes that have been stored or left out. */
  #receivedBytes = 0;
  #shownBytes = 0;
  #tail: TextTail | undefined;

  constructor(role: Role, secrets: Readonly<Record<string, string>>, budget: OutputBudget, emit: Emit) {
    this.#role = role;
    this.#redactor = createRedactor(secrets);
    this.#budget = budget;
    this.#emit = emit;
  }

  async push(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      const piece = bytes.subarray(start, start + pieceBytes);
      this.#receivedBytes += piece.length;
      await this.#show(this.#redactor.push(this.#decoder.push(piece)));
    }
  }

  /** To be called when a run of the pane has ended: shows what was held back, and the tail of what was left out. */
  async end(): Promise<void> {
    await this.#show(this.#redactor.push(this.#decoder.flush()) + this.#redactor.flush());
    const tail = this.#tail;
    if (tail === undefined) return;
    this.#tail = undefined;
    if (tail.droppedBytes > 0) await this.#event("output_truncated", { skippedBytes: tail.droppedBytes });
    let offset = this.#shownBytes - tail.bytes;
    for (const { text, bytes } of tail.pieces) {
      await this.#event("pane_output", { text, offset });
      offset += bytes;
    }
  }

  async #show(text: string): Promise<void> {
    const offset = this.#shownBytes;
    this.#shownBytes = this.#receivedBytes - this.#decoder.heldBytes - this.#redactor.heldBytes;
    const bytes = this.#shownBytes - offset;
    if (text === "") return;
    if (this.#tail === undefined && this.#budget.take(bytes)) return this.#event("pane_output", { text, offset });
    if (this.#tail === undefined) {
      this.#tail = new TextTail(truncatedTailBytes);
      const detail = `The job's panes have written more than options.maxLogBytes; only the last ${truncatedTailBytes} bytes of each stage follow.`;
      await this.#event("limit_hit", { limit: "output", detail });
    }
    this.#tail.push(text, bytes);
  }

  async #event<Type extends "pane_output" | "output_truncated" | "limit_hit">(
    type: Type,
    data: Extract<NewJobEvent, { type: Type }>["data"],
  ): Promise<void> {
    await this.#emit({ type, ts: new Date().toISOString(), role: this.#role, data } as NewJobEvent);
  }
}
