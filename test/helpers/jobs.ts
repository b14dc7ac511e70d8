import { ulid } from "ulid";
import type * as z from "zod";
import type { JobRecord, JobSpec } from "../../core/job.ts";
import { acceptedJob } from "../../core/lifecycle/accept-job.ts";
import { NewJob } from "../../core/new-job.ts";

/** The body of `POST /v1/jobs`, as a caller writes it. */
export function jobRequest(more: Partial<z.input<typeof NewJob>> = {}): z.input<typeof NewJob> {
  return { provider: "custom", mode: "team", repo: "owner/name", task: "Say hello", ...more };
}

export function jobSpec(more: Partial<z.input<typeof NewJob>> = {}): JobSpec {
  return { ...NewJob.parse(jobRequest(more)), repositoryUrl: "https://github.com/owner/name", retryOf: null };
}

/** The row of an accepted job; with a new id and, unless given, of a tenant of its own. */
export function queuedJob(more: Partial<JobRecord> = {}, spec: JobSpec = jobSpec()): JobRecord {
  const tenantId = `tenant-${ulid()}`;
  return { ...acceptedJob(ulid(), tenantId, spec, "2026-11-22T10:00:00.000Z"), ...more };
}
