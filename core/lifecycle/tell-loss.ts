import type { JobRecord } from "../job.ts";
import type { FinishPorts } from "./lifecycle-ports.ts";

/**
 * Opens the events of every attempt but the first with `runner_lost`, once: whoever comes later finds the log at this
 * attempt. From then on the log takes nothing from the runner that was lost.
 */
export async function tellLoss(
  ports: FinishPorts,
  { jobId, attempt }: Pick<JobRecord, "jobId" | "attempt">,
  detail = `The runner of attempt ${attempt - 1} was lost.`,
): Promise<void> {
  if (attempt <= 1) return;
  const batchId = `runner-lost-${attempt}`;
  for (;;) {
    const tail = await ports.events.tail(jobId);
    if (tail.closed || tail.attempt >= attempt) return;
    const ts = ports.now().toISOString();
    const lost = { seq: tail.seq + 1, ts, type: "runner_lost", attempt, data: { detail } } as const;
    if (await ports.events.put({ jobId, batchId, events: [lost] })) return;
  }
}
