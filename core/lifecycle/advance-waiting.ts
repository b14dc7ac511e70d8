import { admitJobs } from "./admit-jobs.ts";
import type { StartPorts } from "./lifecycle-ports.ts";
import { launchAgain } from "./start-job.ts";
import { Trouble } from "./trouble.ts";

/**
 * Lets go on what waits: jobs that are due for a runner, then, tenant by tenant, jobs that wait for a slot. Reads only
 * what waits, so it is cheap enough to be called whenever a runner has ended.
 */
export async function advanceWaiting(ports: StartPorts, trouble: Trouble = new Trouble()): Promise<Trouble> {
  const hasRoom = await launchDue(ports, trouble);
  if (hasRoom) await admitWaiting(ports, trouble);
  return trouble;
}

/**
 * Until a launch fails: for want of room there is none for the others either, and an outage is not helped by more calls.
 * Answers whether there was room.
 */
async function launchDue(ports: StartPorts, trouble: Trouble): Promise<boolean> {
  let isFailing = false;
  let hasRoom = true;
  for await (const jobId of ports.jobs.listLive("due")) {
    await trouble.collect(jobId, async () => {
      const job = await ports.jobs.get(jobId);
      if (job?.status !== "starting" || job.startUntil !== null) return;
      isFailing = true;
      hasRoom = (await launchAgain(ports, job)) !== "no_capacity";
      isFailing = !hasRoom;
    });
    if (isFailing) return hasRoom;
  }
  return true;
}

async function admitWaiting(ports: StartPorts, trouble: Trouble): Promise<void> {
  for await (const tenantId of ports.jobs.listWaitingTenants()) {
    await trouble.collect(`tenant ${tenantId}`, async () => {
      // A read costs less than a write that is refused, and most of these tenants have no slot free.
      const holders = await ports.slots.holders(tenantId);
      if (holders.length < ports.maximumConcurrentJobs) await admitJobs(ports, tenantId);
    });
  }
}
