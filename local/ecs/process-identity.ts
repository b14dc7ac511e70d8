import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as z from "zod";
import { parseProcessStat } from "../../runner/pane/process-table.ts";

/** A process, told apart from a later one that has got the same id. */
export const ProcessIdentity = z.object({
  /** As a group's, 0 and 1 would mean this process's own and everybody's (kill(2)). */
  processId: z.int().min(2),
  /** As the system tells it; only good for being compared. */
  startTime: z.string().min(1),
});
export type ProcessIdentity = Readonly<z.infer<typeof ProcessIdentity>>;

/**
 * Undefined where no process has this id, or only one that has ended and that nobody has waited for. Synchronous, so that
 * nothing comes between the look and what is done about it.
 */
export function identify(processId: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? startTicks(processId) : startDate(processId);
  return startTime === undefined ? undefined : { processId, startTime };
}

export function isAlive({ processId, startTime }: ProcessIdentity): boolean {
  return identify(processId)?.startTime === startTime;
}

function startTicks(processId: number): string | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${processId}/stat`, "latin1"))?.startTicks;
  } catch {
    return undefined;
  }
}

/** Where there is no /proc. To the second, which is less than it takes an id to come round again. */
function startDate(processId: number): string | undefined {
  const environment = { PATH: "/bin:/usr/bin", LC_ALL: "C" };
  const { stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(processId)], {
    env: environment,
    encoding: "utf8",
  });
  return stdout?.trim() || undefined;
}
