import { randomUUID } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import type { APIGatewayProxyEvent } from "aws-lambda";
import { authorize } from "./authorize.ts";
import { type Exchange, type ProblemBody, refuse } from "./exchange.ts";
import { type FunctionOfRoute, type FunctionTimeouts, functionOfRoute } from "./function-of-route.ts";
import type { GatewayRoute } from "./gateway-route.ts";
import { ClientGone, FunctionTimedOut } from "./invocation-errors.ts";
import { jsonPayload } from "./json-payload.ts";
import { isLoopbackHost } from "./loopback-host.ts";
import { type StageSettings, toProxyEvent } from "./proxy-event.ts";
import { readBody } from "./read-body.ts";
import { createRouteTable, type FoundRoute } from "./route-table.ts";

export interface AnsweringOptions extends StageSettings, FunctionTimeouts {
  readonly routes: readonly GatewayRoute[];
  readonly problem: ProblemBody;
  /** Told what a client is not: why a function failed. On AWS it stands in the function's log. */
  readonly onFunctionFailure?: (failure: FunctionFailure) => void;
}

export interface FunctionFailure {
  readonly functionName: string;
  readonly requestId: string;
  readonly error: unknown;
}

/**
 * Answers each request by its route's function, or by a problem in the function's place. A response is in `openStreams`
 * for as long as a function writes to it.
 */
export function createRequestListener(options: AnsweringOptions, openStreams: Set<ServerResponse>): RequestListener {
  const match = createRouteTable(options.routes.map((route) => functionOfRoute(route, options, openStreams)));

  async function answer(exchange: Exchange): Promise<void> {
    const { method = "", url = "", headers } = exchange.request;
    if (!isLoopbackHost(headers.host)) return refuse(exchange, "foreign_host", options.problem);
    const found = match(method, url);
    if (found.kind !== "found") return refuse(exchange, found.kind, options.problem, found.allow);
    const authorizerContext = await admit(exchange, found);
    if (authorizerContext === "refused") return;
    const event = await receiveEvent(exchange, found, { stage: options.stage, authorizerContext });
    if (event === "aborted") return;
    if (typeof event === "string") return refuse(exchange, event, options.problem);
    try {
      await found.route.invoke(event, exchange.response);
    } catch (error) {
      endFailed(exchange, found.route, error);
    }
  }

  /** What the authorizer says, if the route has one and it lets the request pass. */
  async function admit(exchange: Exchange, found: FoundRoute<FunctionOfRoute>) {
    const { authorizer, functionName } = found.route;
    if (authorizer === undefined) return options.authorizerContext ?? {};
    const { resource, pathParameters } = found;
    const authorization = await authorize(authorizer, { ...exchange, resource, pathParameters }, options.stage);
    if (authorization.kind === "allowed") return authorization.context;
    if (authorization.kind === "authorizer_failed") {
      const { requestId } = exchange;
      options.onFunctionFailure?.({
        functionName: `authorizer of ${functionName}`,
        requestId,
        error: authorization.error,
      });
    }
    refuse(exchange, authorization.kind, options.problem);
    return "refused";
  }

  function endFailed(exchange: Exchange, { functionName }: FunctionOfRoute, error: unknown): void {
    const { requestId, response } = exchange;
    if (!(error instanceof ClientGone)) options.onFunctionFailure?.({ functionName, requestId, error });
    // Half an answer cannot be taken back; cut off, it does not pass for a whole one.
    if (response.headersSent) response.destroy();
    else refuse(exchange, error instanceof FunctionTimedOut ? "timed_out" : "failed", options.problem);
  }

  return (request, response) => void answer({ requestId: randomUUID(), request, response });
}

/** Reads the request to its end; where it is no event, the reason why. */
async function receiveEvent(
  { requestId, request }: Exchange,
  { resource, pathParameters }: FoundRoute<unknown>,
  settings: StageSettings,
): Promise<APIGatewayProxyEvent | "aborted" | "body_too_large" | "event_too_large"> {
  const body = await readBody(request);
  if (body === "aborted") return body;
  if (body === "too_large") return "body_too_large";
  const event = toProxyEvent({ requestId, request, body, resource, pathParameters }, settings);
  const payload = jsonPayload(event);
  return payload === undefined ? "event_too_large" : JSON.parse(payload);
}
