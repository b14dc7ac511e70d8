import type { Problem, ProblemCode } from "../openapi/problem.ts";

/** Thrown by a handler for an answer that the caller can do something about. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly errors: Problem["errors"];
  /** When the same request may succeed, if that can be said. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly errors?: Problem["errors"]; readonly retryAfterSeconds?: number } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

export function jobNotFound(jobId: string): ProblemError {
  return new ProblemError("not_found", `There is no job ${jobId}. List yours with GET /v1/jobs.`);
}
