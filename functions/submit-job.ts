import { decodeTime, ulid } from "ulid";
import { addLogContext, logError } from "../adapters/log.ts";
import { type Job, type JobSpec, toJob } from "../core/job.ts";
import { acceptedJob, acceptJob } from "../core/lifecycle/accept-job.ts";
import { admitJobs } from "../core/lifecycle/admit-jobs.ts";
import type { StartPorts } from "../core/lifecycle/lifecycle-ports.ts";
import type { NewJob } from "../core/new-job.ts";
import { type RepositoryPolicy, resolveRepository } from "../core/repository.ts";
import { firstRequest, replayHeader } from "./idempotency.ts";
import { ProblemError } from "./problem-error.ts";

export interface SubmitPorts extends StartPorts {
  readonly repositories: RepositoryPolicy;
  /** Of one tenant. */
  readonly maximumQueuedJobs: number;
}

interface Submission {
  readonly operation: string;
  readonly content: unknown;
  readonly spec: JobSpec;
  /** Where jobs are, seen from the request's own path: how API Gateway's stage or a domain begins it is not known here. */
  readonly jobs: "jobs" | "..";
}

/** Waiting jobs go on as others end; how soon depends on those, so this is only a polite interval. */
const retryAfterSeconds = 30;

/** The spec of a new job. Throws `invalid_request` for a repository that this deployment does not admit. */
export function newSpec(body: NewJob, policy: RepositoryPolicy, retryOf: string | null): JobSpec {
  const repository = resolveRepository(body.repo, policy);
  if ("url" in repository) return { ...body, repositoryUrl: repository.url, retryOf };
  const errors = [{ pointer: "#/repo", detail: repository.refusal }];
  throw new ProblemError("invalid_request", `#/repo: ${repository.refusal}`, { errors });
}

/**
 * Accepts a job and lets it start if it may. The answer is always the job as it was accepted, so that a repeated request
 * gets the same again. Throws `quota_exceeded` and what `firstRequest` throws.
 */
export async function submitJob(
  ports: SubmitPorts,
  request: { readonly tenantId: string; readonly headers: Readonly<Record<string, string>> },
  about: Submission,
): Promise<{ body: Job; headers: Record<string, string> }> {
  const { tenantId } = request;
  const { operation, content, spec, jobs } = about;
  const first = await firstRequest(ports.jobs, request, { operation, content, jobId: ulid(ports.now().getTime()) });
  const { jobId } = first;
  addLogContext({ jobId });
  // A first request that was cut off after its key was remembered has left no job: then this one goes on for it.
  const stored = first.isReplay ? await ports.jobs.get(jobId) : undefined;
  // The id's own time, so that whoever repeats the request gets the same answer.
  const accepted = acceptedJob(jobId, tenantId, spec, new Date(decodeTime(jobId)).toISOString());
  if (stored === undefined) {
    await assertMayQueue(ports, tenantId);
    await acceptJob(ports, accepted, spec);
    // The job is stored, so it will run; if its start fails now, reconcile makes up for it.
    await admitJobs(ports, tenantId, accepted).catch((error: unknown) => logError("start failed", error, {}));
  }
  return { body: toJob(accepted, spec), headers: { Location: `${jobs}/${jobId}`, ...replayHeader(first) } };
}

/** Counted through an index, which lags: many requests at once may exceed the limit by their number. */
async function assertMayQueue({ jobs, maximumQueuedJobs }: SubmitPorts, tenantId: string): Promise<void> {
  if ((await jobs.countWaiting(tenantId, maximumQueuedJobs)) < maximumQueuedJobs) return;
  const detail = `${maximumQueuedJobs} jobs are waiting already. Submit again when some have started, or cancel some.`;
  throw new ProblemError("quota_exceeded", detail, { retryAfterSeconds });
}
