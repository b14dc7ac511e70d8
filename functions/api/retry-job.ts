import { isTerminal } from "../../core/job.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { ownJob } from "../own-job.ts";
import { ProblemError } from "../problem-error.ts";
import { newSpec, type SubmitPorts, submitJob } from "../submit-job.ts";
import { submitPorts } from "../wiring.ts";

export function retryJob(ports: SubmitPorts): Answer<"retryJob"> {
  return async (request) => {
    const { jobId } = request.params;
    const { record, spec } = await ownJob(ports.jobs, request.tenantId, jobId);
    if (!isTerminal(record.status)) {
      const detail = `The job is ${record.status}. Wait for its end, or cancel it, and retry it then.`;
      throw new ProblemError("not_ended", detail);
    }
    // Resolved anew: what this deployment admits may have changed since.
    const again = newSpec(spec, ports.repositories, jobId);
    return submitJob(ports, request, { operation: "retryJob", content: request.params, spec: again, jobs: ".." });
  };
}

export const handler = lambdaFor("retryJob", () => retryJob(submitPorts()));
