import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { jobStore } from "../functions/wiring.ts";
import { endKeptSession } from "../runner/tmux/end-kept-session.ts";

/** Ends the tmux sessions that ended jobs of this stack have left for people, and removes their folders. */
export async function endKeptSessions(workRoot: string, path: string): Promise<void> {
  const jobIds = await readdir(workRoot).catch(() => []);
  for (const jobId of jobIds) {
    // Another stack may use the same folder: only what this one's table knows is its own.
    if ((await jobStore().get(jobId)) === undefined) continue;
    await endKeptSession(join(workRoot, jobId, "tmux", "tmux.sock"), path);
    await rm(join(workRoot, jobId), { recursive: true, force: true });
  }
}
