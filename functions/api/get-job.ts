import { toJob } from "../../core/job.ts";
import type { JobStore } from "../../core/ports.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { ownJob } from "../own-job.ts";
import { jobStore } from "../wiring.ts";

export function getJob(ports: { readonly jobs: JobStore }): Answer<"getJob"> {
  return async ({ tenantId, params }) => {
    const { record, spec } = await ownJob(ports.jobs, tenantId, params.jobId);
    return { body: toJob(record, spec) };
  };
}

export const handler = lambdaFor("getJob", () => getJob({ jobs: jobStore() }));
