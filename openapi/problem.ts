import * as z from "zod";

/** Every error of the API, as RFC 9457 lays it out. Made when it is first used, as all answers. */
export const Problem = z.lazy(() =>
  z
    .strictObject({
      type: z.string().describe("about:blank: the code tells the kinds apart."),
      title: z.string(),
      status: z.int(),
      detail: z.string().describe("What went wrong, and what to do about it."),
      instance: z.string(),
      code: z.string(),
      requestId: z.string(),
      retryable: z.boolean(),
      errors: z
        .array(
          z.strictObject({
            pointer: z.string().describe("`#/options/maxMinutes` in the body, `?limit` in the query."),
            detail: z.string(),
          }),
        )
        .optional(),
    })
    .meta({ id: "Problem" }),
);
export type Problem = z.infer<typeof Problem>;

/** The kinds of problem: HTTP status, title, and whether the same request may succeed later. */
export const problemKinds = {
  invalid_json: { status: 400, title: "The body is not JSON", retryable: false },
  invalid_request: { status: 400, title: "The request is not valid", retryable: false },
  invalid_cursor: { status: 400, title: "The cursor is not valid", retryable: false },
  unauthorized: { status: 401, title: "No valid key", retryable: false },
  forbidden: { status: 403, title: "The key may not do this", retryable: false },
  not_found: { status: 404, title: "Not found", retryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retryable: false },
  already_ended: { status: 409, title: "The job has ended", retryable: false },
  not_ended: { status: 409, title: "The job has not ended", retryable: true },
  no_session: { status: 409, title: "The job has no session to attach to", retryable: true },
  attach_unavailable: { status: 409, title: "Nobody can be let in there", retryable: true },
  payload_too_large: { status: 413, title: "The body is too large", retryable: false },
  unsupported_media_type: { status: 415, title: "The body must be JSON", retryable: false },
  misdirected_request: { status: 421, title: "This server does not serve that host", retryable: false },
  idempotency_key_reused: { status: 422, title: "The idempotency key was used for another request", retryable: false },
  quota_exceeded: { status: 429, title: "Too many jobs are waiting", retryable: true },
  too_many_requests: { status: 429, title: "Too many requests", retryable: true },
  internal_error: { status: 500, title: "Internal error", retryable: true },
  bad_gateway: { status: 502, title: "The function failed", retryable: true },
  overloaded: { status: 503, title: "Too much at once", retryable: true },
  newer_version: { status: 503, title: "Written by a newer version", retryable: true },
  gateway_timeout: { status: 504, title: "The function took too long", retryable: true },
} as const;
export type ProblemCode = keyof typeof problemKinds;

/** The detail of each 401: it does not tell a wrong key from an expired or a disabled one. */
export const keyNeeded =
  "Send a key that is valid, neither expired nor disabled: `Authorization: Bearer omx_…`. Whoever runs the service makes " +
  "keys with `npm run keys -- create`.";

/** The body of an error answer. */
export function problemBody(
  code: ProblemCode,
  about: Pick<Problem, "detail" | "instance" | "requestId"> & { readonly errors?: Problem["errors"] },
): Problem {
  const { detail, instance, requestId, errors } = about;
  const base = { type: "about:blank", ...problemKinds[code], detail, instance, code, requestId };
  return errors ? { ...base, errors } : base;
}

/** What API Gateway itself answers, in the place of a function, by status. */
export const gatewayProblems: Readonly<Record<number, ProblemCode>> = {
  400: "invalid_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_media_type",
  421: "misdirected_request",
  429: "too_many_requests",
  500: "internal_error",
  502: "bad_gateway",
  503: "overloaded",
  504: "gateway_timeout",
};
