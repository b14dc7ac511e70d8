import { type Answer, lambdaFor } from "../http.ts";
import { newSpec, type SubmitPorts, submitJob } from "../submit-job.ts";
import { submitPorts } from "../wiring.ts";

export function createJob(ports: SubmitPorts): Answer<"createJob"> {
  return async (request) => {
    const spec = newSpec(request.body, ports.repositories, null);
    return submitJob(ports, request, { operation: "createJob", content: request.body, spec, jobs: "jobs" });
  };
}

export const handler = lambdaFor("createJob", () => createJob(submitPorts()));
