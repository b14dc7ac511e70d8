import type { IncomingMessage, ServerResponse } from "node:http";
import { type RefusalReason, refusals } from "./refusals.ts";

/** One request and its response. */
export interface Exchange {
  readonly requestId: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The `application/problem+json` body of what the gateway itself answers; `instance` is the path. */
export type ProblemBody = (
  status: number,
  code: string,
  detail: string,
  requestId: string,
  instance: string,
) => unknown;

/** Answers in the place of a function. `allow` is the header of that name. */
export function refuse(exchange: Exchange, reason: RefusalReason, problem: ProblemBody, allow?: string): void {
  const { requestId, request, response } = exchange;
  const { status, code, detail } = refusals[reason];
  const [instance = ""] = (request.url ?? "").split("?", 1);
  const body = JSON.stringify(problem(status, code, detail, requestId, instance));
  response.writeHead(status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    ...(allow === undefined ? {} : { allow }),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(body);
}
