import { keyNeeded } from "../../openapi/problem.ts";

/** What the gateway itself answers, in the place of a function. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** The statuses of API Gateway, but for an unknown path: its own 403 is shown as 404 by the deployed API. */
export const refusals = {
  bad_path: {
    status: 400,
    code: "bad_request",
    detail: "The path of the URL is not percent-encoded UTF-8.",
  },
  foreign_host: {
    status: 421,
    code: "misdirected_request",
    detail: "This server answers only to localhost, 127.0.0.1 and [::1].",
  },
  unauthorized: {
    status: 401,
    code: "unauthorized",
    detail: keyNeeded,
  },
  denied: {
    status: 403,
    code: "forbidden",
    detail: "The authorizer denies this request to who sends it.",
  },
  authorizer_failed: {
    status: 500,
    code: "internal_error",
    detail: "It could not be found out whether the key is valid. Try again.",
  },
  unknown_path: {
    status: 404,
    code: "not_found",
    detail: "There is nothing at this path.",
  },
  wrong_method: {
    status: 405,
    code: "method_not_allowed",
    detail: "This path does not take this method; the Allow header says which ones it takes.",
  },
  body_too_large: {
    status: 413,
    code: "payload_too_large",
    detail: "A request body has at most 10 MB.",
  },
  event_too_large: {
    status: 413,
    code: "payload_too_large",
    detail: "A request has at most 6 MB with its headers, as JSON; what is not text counts 4/3 of its size.",
  },
  failed: {
    status: 502,
    code: "internal_error",
    detail: "The function behind this path has failed.",
  },
  timed_out: {
    status: 504,
    code: "gateway_timeout",
    detail: "The function behind this path did not answer in time; it may still do what it was asked for.",
  },
} as const satisfies Record<string, Refusal>;

export type RefusalReason = keyof typeof refusals;
