import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isTerminal } from "../core/job.ts";
import { jobStore } from "../functions/wiring.ts";
import { endKeptSession } from "../runner/tmux/end-kept-session.ts";

/**
 * Ends the tmux sessions that ended jobs of this stack have left for people. What the agents have made stays, but where
 * the jobs themselves are forgotten.
 */
export async function endKeptSessions(workRoot: string, path: string, isEphemeral: boolean): Promise<void> {
  const jobIds = await readdir(workRoot).catch(() => []);
  for (const jobId of jobIds) {
    // Another stack may use the same folder: only what this one's table knows is its own.
    const job = await jobStore().get(jobId);
    // A runner that outlived an earlier stack may still be at work on one that has not ended.
    if (job === undefined || !isTerminal(job.status)) continue;
    const folder = join(workRoot, jobId);
    await endKeptSession(join(folder, "tmux", "tmux.sock"), path);
    const removed = isEphemeral ? [folder] : [join(folder, "tmux"), join(folder, "home")];
    for (const each of removed) await rm(each, { recursive: true, force: true });
  }
}
