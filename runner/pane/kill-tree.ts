import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  lineageOf,
  type ProcessEntry,
  type ProcessTable,
  readProcessTable,
  sendSignal,
  treesOf,
} from "./process-table.ts";

const GIVE_UP_AFTER_MILLISECONDS = 10_000;
// A process that waits for a disk takes no signal meanwhile; it makes no children either.
const FREEZE_ROUNDS = 50;

export interface KillTreeOptions {
  /** The wrapper, as it was when its pane started: the session leader of the pane's terminal. */
  readonly wrapper: ProcessEntry;
  /** `NAME=value`: an entry of the environment that only the job's processes carry. */
  readonly marker: string;
  /** Wrappers of other panes: they and all below them are left alone. */
  readonly otherWrappers: readonly number[];
}

/**
 * Kills all that a wrapper can no longer end itself: what descends from it, has its terminal's session or carries the
 * marker, until nothing is found. Misses a process that changed session, dropped its environment and lost its parent:
 * with the wrapper alive none of that helps it, so this is only for when the wrapper was killed or hangs.
 * Returns the process ids that were still there after 10 s.
 */
export async function killTree(options: KillTreeOptions): Promise<readonly number[]> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MILLISECONDS;
  while (true) {
    const doomed = await freeze(options);
    if (doomed.size === 0 || performance.now() > giveUpAt) return [...doomed];
    sendSignal(doomed, "SIGKILL");
    await sleep(5);
  }
}

/**
 * Stops them before the first is killed: a parent that dies early would hide its children. Done when a look finds all of
 * them stopped: until then one may still be making a child. Not the pane's own process, which starts nothing: tmux would
 * continue it, and with its process group the wrapper.
 */
async function freeze(options: KillTreeOptions): Promise<ReadonlySet<number>> {
  for (let round = 1; ; round += 1) {
    const { doomed, table } = await findDoomed(options);
    const running = [...doomed].filter((id) => id !== options.wrapper.processId && !table.get(id)?.isStopped);
    if (running.length === 0 || round === FREEZE_ROUNDS) return doomed;
    sendSignal(running, "SIGSTOP");
    await sleep(1);
  }
}

interface Doomed {
  readonly doomed: ReadonlySet<number>;
  readonly table: ProcessTable;
}

async function findDoomed({ wrapper, marker, otherWrappers }: KillTreeOptions): Promise<Doomed> {
  const table = await readProcessTable();
  const marked = await Promise.all([...table.keys()].map(async (id) => ((await carries(id, marker)) ? id : undefined)));
  const roots = [...ofTerminal(wrapper, table), ...marked.filter((id) => id !== undefined)];
  const spared = new Set([...treesOf(otherWrappers, table), ...lineageOf(process.pid, table)]);
  return { doomed: treesOf(roots, table).difference(spared), table };
}

/** The wrapper and its session, unless the wrapper's process id belongs to a stranger by now. */
function ofTerminal(wrapper: ProcessEntry, table: ProcessTable): readonly number[] {
  const { processId, startTicks } = wrapper;
  if ((table.get(processId)?.startTicks ?? startTicks) !== startTicks) return [];
  const members = [...table.values()].filter((entry) => entry.sessionId === processId);
  return [processId, ...members.map((entry) => entry.processId)];
}

async function carries(processId: number, marker: string): Promise<boolean> {
  const environment = await readFile(`/proc/${processId}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(marker);
}
