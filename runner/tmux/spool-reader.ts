import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

const POLL_MILLISECONDS = 250;
const CHUNK_BYTES = 65_536;

/**
 * The file a pane's bytes are appended to, read from the front as it grows. The file is the buffer between the pane
 * and a slow reader: the pane never waits for one. Removed on dispose, since what agents print is not yet redacted.
 */
export class Spool implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #watcher: FSWatcher | undefined;
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #position = 0;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
    this.#watcher = this.#watch();
  }

  /** Creates the file, readable by its owner only. */
  static async create(path: string): Promise<Spool> {
    return new Spool(path, await open(path, "ax+", 0o600));
  }

  /** Forgets all content; whoever appends goes on at the new end. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#position = 0;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  /** Chunks of at most 64 KiB; waits for more at the end of the file, until `isComplete` is aborted. */
  async *chunks(isComplete: AbortSignal): AsyncGenerator<Uint8Array> {
    isComplete.addEventListener("abort", this.#ring);
    try {
      while (true) {
        // Looked at before reading: what was written before the abort is still read.
        const wasComplete = isComplete.aborted;
        this.#hasChanged = false;
        const { bytesRead } = await this.#file.read(this.#buffer, 0, CHUNK_BYTES, this.#position);
        this.#position += bytesRead;
        // A copy, since the reader may keep a few bytes for long and must not keep 64 KiB with them.
        if (bytesRead > 0) yield Buffer.copyBytesFrom(this.#buffer, 0, bytesRead);
        else if (wasComplete) return;
        else await this.#change();
      }
    } finally {
      isComplete.removeEventListener("abort", this.#ring);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    await this.#file.close();
    await rm(this.path, { force: true });
  }

  // Hosts limit how many files may be watched; polling alone is slower, but loses nothing.
  #watch(): FSWatcher | undefined {
    try {
      return watch(this.path, this.#ring).on("error", this.#ring);
    } catch {
      return undefined;
    }
  }

  readonly #ring = (): void => {
    this.#hasChanged = true;
    this.#wake?.();
  };

  async #change(): Promise<void> {
    if (this.#hasChanged) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, POLL_MILLISECONDS);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
