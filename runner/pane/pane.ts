import type { Spool } from "../tmux/spool-reader.ts";
import type { PaneConnection } from "./pane-connection.ts";
import type { PaneExit } from "./pane-exit.ts";
import { type ProcessEntry, waitUntilGone } from "./process-table.ts";
import { exitOrder, sayOrder, type UnixUser } from "./protocol.ts";
import { runInPane } from "./run-in-pane.ts";

const EXIT_WITHIN_MILLISECONDS = 5_000;

/** When a command counts as hung. It is interrupted then, and what is left after the grace is killed. */
export interface SilenceLimit {
  /** Without a byte on the pane, since the start or the last byte. */
  readonly milliseconds: number;
  /** Between INT and KILL. */
  readonly graceMilliseconds: number;
  /** Called once, before the command is told. */
  readonly onHit: () => void;
}

/** What to run in a pane. */
export interface PaneCommand {
  /** For `bash -c`. Readable by every user of the machine: secrets belong into the environment. */
  readonly command: string;
  /** The whole environment; nothing is added, TERM neither. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user?: UnixUser;
  /** Absent: it may be silent for ever. */
  readonly silence?: SilenceLimit;
  /**
   * Takes the command's output in order: the bytes of the terminal (CRLF, escape codes), and their offset in this
   * run's output. Awaited before the next call; a slow one never holds the command up.
   */
  readonly onOutput: (bytes: Uint8Array, offset: number) => void | Promise<void>;
}

/** One pane of a session. It runs one command at a time, any number of them one after the other. */
export interface PaneHandle {
  readonly role: string;
  readonly paneId: string;
  readonly wrapperPid: number;
  /** Prints a line for whoever watches; while a command runs, after its end. Not part of any output. */
  say(text: string): void;
  /**
   * Resolves when the command and all it started are gone and its output was taken. An abort has them terminated,
   * and killed after the grace. Rejects, with all of them gone too, if `onOutput` does.
   */
  run(command: PaneCommand, signal: AbortSignal): Promise<PaneExit>;
}

export interface PaneLimits {
  /** Between TERM and KILL when a run is stopped. */
  readonly stopGraceMilliseconds: number;
  /** A run that printed more is stopped; what it printed is still handed on. */
  readonly maximumSpoolBytes: number;
}

/** What a pane is made of. */
export interface PaneParts {
  readonly role: string;
  readonly paneId: string;
  /** The pane's own process, as it was at the start. */
  readonly process: ProcessEntry;
  readonly connection: PaneConnection;
  readonly spool: Spool;
  readonly limits: PaneLimits;
  /** False when tmux no longer writes the pane's bytes to the spool. */
  readonly isCaptured: () => Promise<boolean>;
  /** For when the wrapper cannot; answers with the processes that could not be killed. */
  readonly killTree: () => Promise<readonly number[]>;
}

export class Pane implements PaneHandle {
  readonly role: string;
  readonly paneId: string;
  readonly wrapperPid: number;
  readonly #parts: PaneParts;
  readonly #leaving = new AbortController();
  #runs = 0;
  #current: Promise<PaneExit> | undefined;

  constructor(parts: PaneParts) {
    this.role = parts.role;
    this.paneId = parts.paneId;
    this.wrapperPid = parts.process.processId;
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  say(text: string): void {
    this.#parts.connection.send(sayOrder(text));
  }

  async run(command: PaneCommand, signal: AbortSignal): Promise<PaneExit> {
    if (this.isBusy) throw new Error(`The pane of ${this.role} is running a command`);
    this.#runs += 1;
    this.#current = runInPane(this.#parts, this.#runs, command, AbortSignal.any([signal, this.#leaving.signal]));
    try {
      return await this.#current;
    } finally {
      this.#current = undefined;
    }
  }

  /** Ends a running command at once, and then the wrapper. Resolves when the pane's process is gone. */
  async leave(): Promise<void> {
    const { connection, process, killTree } = this.#parts;
    this.#leaving.abort();
    connection.send(exitOrder);
    if (!(await waitUntilGone(process, EXIT_WITHIN_MILLISECONDS))) await killTree();
    await Promise.allSettled([this.#current]);
  }
}
