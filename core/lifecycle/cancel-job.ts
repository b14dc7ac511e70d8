import type { JobRecord } from "../job.ts";
import { isTerminal } from "../job.ts";
import { reasonOf } from "../reasons.ts";
import { finishJob } from "./finish-job.ts";
import type { FinishPorts } from "./lifecycle-ports.ts";

/**
 * Cancels the job: at once where nobody works on it yet, else by a flag that its runner obeys. Answers the row as it
 * then is; a job that had already ended is answered unchanged.
 */
export async function cancelJob(ports: FinishPorts, job: JobRecord): Promise<JobRecord> {
  for (let current = job; ; ) {
    if (isTerminal(current.status) || current.cancelRequestedAt !== null) return current;
    const changed =
      current.status === "running"
        ? await ports.jobs.update(
            current.jobId,
            { status: ["running"], attempt: current.attempt },
            { cancelRequestedAt: ports.now().toISOString() },
          )
        : await finishJob(ports, current, cancelled("The job was cancelled while no runner worked on it."));
    if (changed !== undefined) return changed;
    // The job moved on between the read and the write: look again and decide anew.
    const moved = await ports.jobs.get(current.jobId);
    if (moved === undefined) throw new Error(`Job ${current.jobId} vanished while it was being cancelled.`);
    current = moved;
  }
}

export function cancelled(message: string) {
  return { status: "cancelled", reason: reasonOf("cancelled_by_user", message) } as const;
}
