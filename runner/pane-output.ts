import type { NewJobEvent } from "../core/job-events.ts";
import { paneOutputChunkBytes, truncatedTailBytes } from "../core/limits.ts";
import type { Role } from "../core/roles.ts";
import type { OutputBudget } from "./output-budget.ts";
import { createRedactor } from "./redactor.ts";
import { TextTail } from "./text-tail.ts";
import { createUtf8Decoder } from "./utf8-decoder.ts";

type Emit = (event: NewJobEvent) => Promise<void>;

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
    this.#receivedBytes += bytes.length;
    await this.#show(this.#redactor.push(this.#decoder.push(bytes)));
  }

  /** To be called when a run of the pane has ended: shows what was held back, and the tail of what was left out. */
  async end(): Promise<void> {
    await this.#show(this.#redactor.push(this.#decoder.flush()) + this.#redactor.flush());
    const tail = this.#tail;
    if (tail === undefined) return;
    this.#tail = undefined;
    await this.#event("output_truncated", { skippedBytes: tail.droppedBytes });
    await this.#chunks(tail.text, this.#shownBytes - tail.bytes);
  }

  async #show(text: string): Promise<void> {
    const offset = this.#shownBytes;
    this.#shownBytes = this.#receivedBytes - this.#decoder.heldBytes - this.#redactor.heldBytes;
    const bytes = this.#shownBytes - offset;
    if (text === "") return;
    if (this.#tail === undefined && this.#budget.take(bytes)) return this.#chunks(text, offset);
    if (this.#tail === undefined) {
      this.#tail = new TextTail(truncatedTailBytes);
      const detail = `The job's panes have written more than options.maxLogBytes; only the last ${truncatedTailBytes} bytes of each stage follow.`;
      await this.#event("limit_hit", { limit: "output", detail });
    }
    this.#tail.push(text, bytes);
  }

  async #chunks(text: string, offset: number): Promise<void> {
    let chunkOffset = offset;
    for (const chunk of chunksOf(text)) {
      await this.#event("pane_output", { text: chunk, offset: chunkOffset });
      chunkOffset += Buffer.byteLength(chunk);
    }
  }

  async #event<Type extends "pane_output" | "output_truncated" | "limit_hit">(
    type: Type,
    data: Extract<NewJobEvent, { type: Type }>["data"],
  ): Promise<void> {
    await this.#emit({ type, ts: new Date().toISOString(), role: this.#role, data } as NewJobEvent);
  }
}

/** Pieces that no code point is cut by, each of at most `paneOutputChunkBytes` bytes even if every character takes three. */
function* chunksOf(text: string): Iterable<string> {
  const size = Math.floor(paneOutputChunkBytes / 3);
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + size, text.length);
    const isInsidePair = end < text.length && isHighSurrogate(text.charCodeAt(end - 1));
    if (isInsidePair) end--;
    yield text.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
