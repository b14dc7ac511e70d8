import { chmod, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * A new folder; in the end whatever process still has to do with it is killed, and the folder removed, unless `CHAOS_KEEP`
 * is set.
 */
export async function ownFolder(cleanUp: AsyncDisposableStack): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "omx-chaos-"));
  // Agents are another user when the stack is root's.
  await chmod(root, 0o711);
  cleanUp.defer(async () => {
    for (let left = await processesAt(root); left.length > 0; left = await processesAt(root)) {
      for (const { processId } of left) killIfThere(processId, "SIGKILL");
      await delay(20);
    }
    if (process.env.CHAOS_KEEP === undefined) await rm(root, { recursive: true, force: true });
  });
  return root;
}

/** What `/proc` tells of a process. */
export interface SeenProcess {
  readonly processId: number;
  readonly parentId: number;
  readonly commandLine: readonly string[];
  /** `NAME=value` of each. */
  readonly environment: readonly string[];
}

export function nameOf({ processId, commandLine }: SeenProcess): string {
  return `${processId} ${commandLine.slice(0, 12).join(" ")}`;
}

/** The processes that name the folder in their environment or command line, or work in it. */
export async function processesAt(root: string): Promise<SeenProcess[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const seen = await Promise.all(ids.map((id) => look(id, root)));
  return seen.filter((each) => each !== undefined);
}

async function look(id: string, root: string): Promise<SeenProcess | undefined> {
  const [environment, commandLine, stat, folder] = await Promise.all([
    readFile(`/proc/${id}/environ`, "utf8").catch(() => ""),
    readFile(`/proc/${id}/cmdline`, "utf8").catch(() => ""),
    readFile(`/proc/${id}/stat`, "latin1").catch(() => ""),
    readlink(`/proc/${id}/cwd`).catch(() => ""),
  ]);
  if (![environment, commandLine, folder].some((text) => text.includes(root))) return undefined;
  const parentId = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  const list = (text: string) => text.split("\0").slice(0, -1);
  return { processId: Number(id), parentId, commandLine: list(commandLine), environment: list(environment) };
}

export function killIfThere(processId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(processId, signal);
  } catch {
    // It has ended by itself.
  }
}
