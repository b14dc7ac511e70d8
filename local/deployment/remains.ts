import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { endKeptSession } from "../../runner/tmux/end-kept-session.ts";
import { earlierTasks } from "../ecs/earlier-tasks.ts";
import { killGroup } from "../ecs/end-process.ts";
import { TaskFiles } from "../ecs/task-files.ts";
import { folder } from "./folder.ts";

/** What MiniStack and the stand-in for ECS have of their own; nothing of it outlives them. */
export const stateFolder = join(folder, "state");

export const tasksFolder = join(stateFolder, "tasks");

/** Ends the runners of a host that was killed, and the sessions that were kept, and removes all that was stored. */
export async function removeRemains(workRoot: string, path: string): Promise<void> {
  for (const { process } of earlierTasks(new TaskFiles(tasksFolder, () => {}))) {
    if (process !== undefined) killGroup(process.processId);
  }
  for (const jobId of await readdir(workRoot).catch(() => []))
    await endKeptSession(join(workRoot, jobId, "tmux", "tmux.sock"), path);
  for (const each of [workRoot, stateFolder]) await rm(each, { recursive: true, force: true });
}
