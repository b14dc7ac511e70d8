import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { type ProcessEnd, parseReport } from "./protocol.ts";

/** The runner's end of one wrapper's control socket. */
export class PaneConnection {
  /** Resolves when the wrapper is gone, with the cause if it was not simply its exit. */
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Socket;
  #awaited: { readonly run: number; readonly resolve: (end: ProcessEnd | undefined) => void } | undefined;

  /** `lines` are the reports that follow the wrapper's hello. */
  constructor(socket: Socket, lines: AsyncIterator<string>) {
    this.#socket = socket;
    this.closed = this.#readReports(lines);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Orders to a wrapper that is gone are dropped: `closed` tells. */
  send(order: string): void {
    if (this.isOpen) this.#socket.write(order);
  }

  /** How the run ended; undefined if the wrapper went first. To be called before the run is ordered. */
  endOf(run: number): Promise<ProcessEnd | undefined> {
    const { promise, resolve } = Promise.withResolvers<ProcessEnd | undefined>();
    this.#awaited = { run, resolve };
    if (!this.isOpen) resolve(undefined);
    return promise;
  }

  async #readReports(lines: AsyncIterator<string>): Promise<Error | undefined> {
    try {
      for (let line = await lines.next(); !line.done; line = await lines.next()) this.#take(line.value);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#socket.destroy();
      this.#awaited?.resolve(undefined);
    }
  }

  #take(line: string): void {
    const report = parseReport(line);
    if (report.kind === "ended" && report.run === this.#awaited?.run) this.#awaited.resolve(report.end);
  }
}

/** Waits for the wrapper's hello. Undefined if the other end was no wrapper, or left. */
export async function greet(socket: Socket): Promise<{ role: string; connection: PaneConnection } | undefined> {
  // A wrapper that was killed resets its socket: the end of the lines tells that, too.
  socket.on("error", () => {});
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const first = await lines.next();
  const hello = first.done ? undefined : parseReport(first.value);
  if (hello?.kind === "hello") return { role: hello.role, connection: new PaneConnection(socket, lines) };
  socket.destroy();
  return undefined;
}
