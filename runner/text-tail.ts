interface Piece {
  readonly text: string;
  readonly bytes: number;
}

/** The end of a long text: at least its last `keepBytes` bytes if there were as many, in whole pieces. */
export class TextTail {
  readonly #keepBytes: number;
  #pieces: Piece[] = [];
  #bytes = 0;
  #droppedBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** `bytes` is what the text took in the pane, which differs from its length where a secret was replaced. */
  push(text: string, bytes: number): void {
    this.#pieces.push({ text, bytes });
    this.#bytes += bytes;
    for (let first = this.#pieces[0]; first && this.#bytes - first.bytes >= this.#keepBytes; first = this.#pieces[0]) {
      this.#pieces.shift();
      this.#bytes -= first.bytes;
      this.#droppedBytes += first.bytes;
    }
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get droppedBytes(): number {
    return this.#droppedBytes;
  }
}
