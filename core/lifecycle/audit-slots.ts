import type { StartPorts } from "./lifecycle-ports.ts";
import { startJob } from "./start-job.ts";
import type { Trouble } from "./trouble.ts";

/**
 * Goes on where somebody took a slot and came no further: starts the job if it still waits, releases the slot if the job
 * has ended. Only holders that are not among the live jobs are looked up. Answers how many were released.
 */
export async function auditSlots(ports: StartPorts, liveJobs: ReadonlySet<string>, trouble: Trouble): Promise<number> {
  let released = 0;
  const audit = async (tenantId: string, jobId: string) => {
    const job = await ports.jobs.get(jobId);
    if (job?.status === "queued") await startJob(ports, job);
    // Not settled: it is due, or has been accepted since the live jobs were listed.
    if (job !== undefined && job.lastSeq === null) return;
    await ports.slots.release(tenantId, jobId);
    released++;
  };
  for await (const tenantId of ports.slots.listTenants()) {
    await trouble.collect(`tenant ${tenantId}`, async () => {
      const holders = await ports.slots.holders(tenantId);
      const unseen = holders.filter((holder) => !liveJobs.has(holder));
      for (const jobId of unseen) await trouble.collect(jobId, () => audit(tenantId, jobId));
      if (holders.length === 0) await ports.slots.forgetIfUnused(tenantId);
    });
  }
  return released;
}
