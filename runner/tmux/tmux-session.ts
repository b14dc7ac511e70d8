import { setTimeout as sleep } from "node:timers/promises";
import type { Pane, PaneHandle } from "../pane/pane.ts";
import { type ProcessEntry, readProcessTable } from "../pane/process-table.ts";
import type { Spool } from "./spool-reader.ts";
import type { TmuxClient } from "./tmux-client.ts";
import { endServer } from "./tmux-server.ts";

const SERVER_EMPTY_WITHIN_MILLISECONDS = 2_000;

/** A tmux server of its own with one session: one pane for each role. Disposing ends everything in it. */
export interface TmuxSession extends AsyncDisposable {
  readonly name: string;
  readonly socketPath: string;
  readonly panes: ReadonlyMap<string, PaneHandle>;
  /**
   * Leaves the screens for people to look at, with no process but the tmux server: the runner may exit, and disposing
   * does nothing any more. `endKeptSession` ends it. A pane whose wrapper was killed is not on it.
   */
  keep(): Promise<void>;
}

export interface SessionParts {
  readonly name: string;
  readonly client: TmuxClient;
  readonly server: ProcessEntry;
  readonly panes: ReadonlyMap<string, Pane>;
  readonly spools: readonly Spool[];
}

export class RunningTmuxSession implements TmuxSession {
  readonly name: string;
  readonly socketPath: string;
  readonly panes: ReadonlyMap<string, Pane>;
  readonly #parts: SessionParts;
  #isOver = false;

  constructor(parts: SessionParts) {
    this.name = parts.name;
    this.socketPath = parts.client.socketPath;
    this.panes = parts.panes;
    this.#parts = parts;
  }

  async keep(): Promise<void> {
    const busy = [...this.panes.values()].filter((pane) => pane.isBusy).map((pane) => pane.role);
    if (busy.length > 0) throw new Error(`Cannot keep a session while commands run: ${busy.join(", ")}`);
    this.#isOver = true;
    await this.#holdScreens();
    await this.#leavePanes();
    await this.#awaitEmptyServer();
    await this.#removeSpools();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#leavePanes();
    await endServer(this.#parts.client, this.#parts.server);
    await this.#removeSpools();
  }

  /** Has each pane stay when its process ends, and its recorder end. */
  async #holdScreens(): Promise<void> {
    const { client, name } = this.#parts;
    const list = await client.run(["list-panes", "-t", `=${name}:0`, "-F", "#{pane_id}"]).catch(() => "");
    const ours = new Set([...this.panes.values()].map((pane) => pane.paneId));
    const paneIds = list.split("\n").filter((paneId) => ours.has(paneId));
    if (paneIds.length === 0) return;
    await client.run(
      ...paneIds.flatMap((paneId) => [
        ["set-option", "-p", "-t", paneId, "remain-on-exit", "on"],
        ["pipe-pane", "-t", paneId],
      ]),
    );
  }

  async #leavePanes(): Promise<void> {
    await Promise.all([...this.panes.values()].map((pane) => pane.leave()));
  }

  /** Bounded, since someone who is attached may have opened a shell there. */
  async #awaitEmptyServer(): Promise<void> {
    const { client, server } = this.#parts;
    const giveUpAt = performance.now() + SERVER_EMPTY_WITHIN_MILLISECONDS;
    while (performance.now() < giveUpAt) {
      const table = await readProcessTable();
      if (![...table.values()].some((entry) => entry.parentId === server.processId)) break;
      await sleep(5);
    }
    // tmux 3.3a may miss the end of a child, and then buries it with the next one.
    await client.run(["run-shell", "true"]).catch(() => "");
  }

  async #removeSpools(): Promise<void> {
    await Promise.all(this.#parts.spools.map((spool) => spool[Symbol.asyncDispose]()));
  }
}
