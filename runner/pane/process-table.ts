import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** One living process (no zombie). `startTicks` tells two processes with the same id apart. */
export interface ProcessEntry {
  readonly processId: number;
  readonly parentId: number;
  readonly sessionId: number;
  readonly startTicks: string;
  /** Whether it has been stopped (SIGSTOP): a signal that was sent may take a while to act. */
  readonly isStopped: boolean;
}

export type ProcessTable = ReadonlyMap<number, ProcessEntry>;

export async function readProcessTable(): Promise<ProcessTable> {
  const names = await readdir("/proc");
  const entries = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))),
  );
  return new Map(entries.filter((entry) => entry !== undefined).map((entry) => [entry.processId, entry]));
}

/** Undefined for a process that is gone or waits as a zombie for its parent. */
export async function readProcess(processId: number): Promise<ProcessEntry | undefined> {
  const stat = await readFile(`/proc/${processId}/stat`, "latin1").catch(() => undefined);
  return stat === undefined ? undefined : parseProcessStat(stat);
}

/** Reads a line of /proc/PID/stat (proc(5)); a process may have blanks and parentheses in its name. */
export function parseProcessStat(stat: string): ProcessEntry | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parentId, , sessionId] = fields;
  const startTicks = fields[19];
  if (startTicks === undefined || state === "Z" || state === "X") return undefined;
  const processId = Number.parseInt(stat, 10);
  const isStopped = state === "T" || state === "t";
  return { processId, parentId: Number(parentId), sessionId: Number(sessionId), startTicks, isStopped };
}

/** The roots that are in the table, and all that descend from any of the roots. */
export function treesOf(roots: Iterable<number>, table: ProcessTable): Set<number> {
  const children = Map.groupBy(table.values(), (entry) => entry.parentId);
  const found = new Set<number>();
  const unseen = [...roots];
  for (let root = unseen.pop(); root !== undefined; root = unseen.pop()) {
    if (found.has(root)) continue;
    found.add(root);
    unseen.push(...(children.get(root) ?? []).map((entry) => entry.processId));
  }
  return new Set([...found].filter((processId) => table.has(processId)));
}

/** The process and all it descends from. */
export function lineageOf(processId: number, table: ProcessTable): Set<number> {
  const found = new Set<number>();
  for (let id: number | undefined = processId; id !== undefined && !found.has(id); id = table.get(id)?.parentId) {
    found.add(id);
  }
  return found;
}

/** False if the process was still there when the time was over. */
export async function waitUntilGone(known: ProcessEntry, withinMilliseconds: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMilliseconds;
  while ((await readProcess(known.processId))?.startTicks === known.startTicks) {
    if (performance.now() > giveUpAt) return false;
    await sleep(5);
  }
  return true;
}

export function sendSignal(processIds: Iterable<number>, signal: "SIGSTOP" | "SIGKILL"): void {
  for (const processId of processIds) {
    try {
      process.kill(processId, signal);
    } catch {
      // Gone already, or another user's: the next look at the table tells which.
    }
  }
}
