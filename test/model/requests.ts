import { encodeTime } from "ulid";
import { acceptedJob, acceptJob } from "../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../core/lifecycle/admit-jobs.ts";
import { cancelJob } from "../../core/lifecycle/cancel-job.ts";
import type { StartPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import { firstRequest } from "../../functions/idempotency.ts";
import { Outage } from "./faults.ts";
import type { World } from "./world.ts";

/** A request to create a job, which its client repeats under the same key until it is answered, or does not. */
export interface Submission {
  readonly tenantId: string;
  readonly key: string;
}

/** The steps of functions/submit-job.ts. */
export function submit(world: World, { tenantId, key }: Submission): void {
  const { ledger, scheduler, spec, random } = world;
  world.begin(`submit ${key}`, async (ports) => {
    // As a ULID: the time, then what nobody else has.
    const id = `${encodeTime(ports.now().getTime(), 10)}${String(random.between(0, 1e15)).padStart(16, "0")}`;
    const createdAt = new Date(scheduler.now).toISOString();
    const request = { tenantId, headers: { "idempotency-key": key } };
    const first = await firstRequest(ports.jobs, request, { operation: "createJob", jobId: id, content: key });
    const stored = first.isReplay ? await ports.jobs.get(first.jobId) : undefined;
    if (stored === undefined) await acceptAndAdmit(ports, acceptedJob(first.jobId, tenantId, spec, createdAt), world);
    ledger.accepted.add(first.jobId);
  });
}

async function acceptAndAdmit(ports: StartPorts, job: ReturnType<typeof acceptedJob>, { spec }: World): Promise<void> {
  await acceptJob(ports, job, spec);
  await admitJobs(ports, job.tenantId, job).catch((error: unknown) => {
    if (!(error instanceof Outage)) throw error;
  });
}

export function cancel(world: World, jobId: string): void {
  world.ledger.cancelsAskedFor.add(jobId);
  world.begin(`cancel ${jobId}`, async (ports) => {
    const job = await ports.jobs.get(jobId);
    if (job === undefined) return;
    const answered = await cancelJob(ports, job);
    world.ledger.cancelled(answered);
  });
}
