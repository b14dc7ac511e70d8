import { decodeTime, ulid } from "ulid";
import { type JobSpec, toJob } from "../../core/job.ts";
import { acceptedJob, acceptJob } from "../../core/lifecycle/accept-job.ts";
import { type StartPorts, startJob } from "../../core/lifecycle/start-job.ts";
import type { NewJob } from "../../core/new-job.ts";
import { type RepositoryPolicy, resolveRepository } from "../../core/repository.ts";
import { type Answer, lambdaFor } from "../http.ts";
import { firstRequest, replayHeader } from "../idempotency.ts";
import { logError } from "../log.ts";
import { ProblemError } from "../problem-error.ts";
import { eventLog, jobQueue, jobStore, repositoryPolicy, runnerLauncher, systemClock } from "../wiring.ts";

/** Accepts a job. The answer is always the job as it was accepted, so that a repeated request gets the same again. */
export function createJob(ports: StartPorts & { readonly repositories: RepositoryPolicy }): Answer<"createJob"> {
  return async (request) => {
    const { tenantId, body } = request;
    const spec = specOf(body, ports.repositories);
    const about = { operation: "createJob", jobId: ulid(ports.now().getTime()), content: body };
    const first = await firstRequest(ports.jobs, request, about);
    // A first request that was cut off after its key was remembered has left no job: then this one goes on for it.
    const stored = first.isReplay ? await ports.jobs.get(first.jobId) : undefined;
    // The id's own time, so that whoever repeats the request gets the same answer.
    const createdAt = new Date(decodeTime(first.jobId)).toISOString();
    const accepted = acceptedJob(first.jobId, tenantId, spec, createdAt);
    if (stored === undefined) {
      await acceptJob(ports, accepted, spec);
      // The job is stored, so it will run; if its start fails now, reconcile makes up for it.
      await startJob(ports, accepted).catch((error: unknown) =>
        logError("start failed", error, { jobId: first.jobId }),
      );
    }
    return {
      body: toJob(accepted, spec),
      headers: { Location: `/v1/jobs/${first.jobId}`, ...replayHeader(first) },
    };
  };
}

function specOf(body: NewJob, policy: RepositoryPolicy): JobSpec {
  const repository = resolveRepository(body.repo, policy);
  if ("url" in repository) return { ...body, repositoryUrl: repository.url };
  const fault = { pointer: "#/repo", detail: repository.refusal };
  throw new ProblemError("invalid_request", `#/repo: ${repository.refusal}`, [fault]);
}

export const handler = lambdaFor("createJob", () =>
  createJob({
    jobs: jobStore(),
    events: eventLog(),
    queue: jobQueue(),
    launcher: runnerLauncher(),
    repositories: repositoryPolicy(),
    now: systemClock,
  }),
);
