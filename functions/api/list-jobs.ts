import { toJob } from "../../core/job.ts";
import type { JobFilter, JobStore } from "../../core/ports.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { fromCursor, toCursor } from "../job-cursor.ts";
import { jobStore } from "../wiring.ts";

export function listJobs(ports: { readonly jobs: JobStore }): Answer<"listJobs"> {
  return async ({ tenantId, query }) => {
    const labels = (query.label ?? []).map((label) => label.split(/:(.*)/s).slice(0, 2) as [string, string]);
    const filter: JobFilter = { status: query.status, labels };
    const before = query.cursor === undefined ? undefined : fromCursor(query.cursor, tenantId, filter);
    const { jobs, next } = await ports.jobs.list(tenantId, filter, { before, limit: query.limit });
    const nextCursor = next === undefined ? null : toCursor(next, tenantId, filter);
    return { body: { jobs: jobs.map(({ record, spec }) => toJob(record, spec)), nextCursor } };
  };
}

export const handler = lambdaFor("listJobs", () => listJobs({ jobs: jobStore() }));
