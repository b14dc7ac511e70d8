import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { jobStore } from "../functions/wiring.ts";
import { endKeptSession } from "../runner/tmux/end-kept-session.ts";
import type { LocalSettings } from "./settings.ts";

/**
 * Ends the tmux sessions that jobs of this stack have left for people, once its runners have ended. What the agents have
 * made stays, but where the jobs themselves are forgotten, and where a job keeps nothing: then its runner was lost before
 * it could remove it.
 */
export async function endKeptSessions({ workRoot, path, dataDirectory, runner }: LocalSettings): Promise<void> {
  const jobIds = await readdir(workRoot).catch(() => []);
  for (const jobId of jobIds) {
    // Another stack may use the same folder: only what this one's table knows is its own.
    const job = await jobStore()
      .get(jobId)
      // Of a later version: not ours to touch.
      .catch(() => undefined);
    // A runner that outlived an earlier stack may still be at work. One that hands its job back may have kept its session.
    if (job === undefined || job.status === "running") continue;
    const folder = join(workRoot, jobId);
    await endKeptSession(join(folder, "tmux", "tmux.sock"), path);
    const spec = await jobStore().getSpec(jobId);
    const isKept = spec?.options.keepTmuxSession ?? runner.TMUX_KEEP_SESSION_ON_FINISH !== "0";
    const stays = isKept && dataDirectory !== undefined;
    const removed = stays ? [join(folder, "tmux"), join(folder, "home")] : [folder];
    for (const each of removed) await rm(each, { recursive: true, force: true });
  }
}
