import { isTerminal, toJob } from "../../core/job.ts";
import { cancelJob as cancel } from "../../core/lifecycle/cancel-job.ts";
import type { FinishPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { firstRequest, replayHeader } from "../idempotency.ts";
import { ownJob } from "../own-job.ts";
import { ProblemError } from "../problem-error.ts";
import { finishPorts } from "../wiring.ts";

export function cancelJob(ports: FinishPorts): Answer<"cancelJob"> {
  return async (request) => {
    const { tenantId, params } = request;
    const { record, spec } = await ownJob(ports.jobs, tenantId, params.jobId);
    const wasAskedFor = record.status === "cancelled" || record.cancelRequestedAt !== null;
    if (isTerminal(record.status) && !wasAskedFor) {
      throw new ProblemError("already_ended", `The job has ended as ${record.status}; there is nothing to cancel.`);
    }
    const about = { operation: "cancelJob", jobId: params.jobId, content: params };
    const first = await firstRequest(ports.jobs, request, about);
    const job = toJob(await cancel(ports, record), spec);
    return { body: job, headers: replayHeader(first) };
  };
}

export const handler = lambdaFor("cancelJob", () => cancelJob(finishPorts()));
