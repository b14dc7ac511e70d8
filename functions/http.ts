import { Readable } from "node:stream";
import middy, { type MiddlewareObj } from "@middy/core";
import { executionModeStreamifyResponse } from "@middy/core/StreamifyResponse";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { enterLogContext, logError } from "../adapters/log.ts";
import { NewerSchema } from "../core/errors.ts";
import { type ProblemCode, problemBody, problemKinds } from "../openapi/problem.ts";
import type { Route } from "../openapi/route.ts";
import { type ApiReply, type ApiRequest, type RouteName, routes } from "../openapi/routes.ts";
import { once } from "./once.ts";
import { parseRequest } from "./parse-request.ts";
import { ProblemError } from "./problem-error.ts";

/** An answer that is written while it is being made. */
interface StreamReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: AsyncIterable<string>;
}

/** What a route's factory makes: the request as parsed goes in, the answer as data comes out. */
export type Answer<Name extends RouteName> = (request: ApiRequest<Name>) => Promise<ApiReply<Name>>;

/** The answer of a route that may stream. */
export type StreamingAnswer<Name extends RouteName> = (
  request: ApiRequest<Name>,
) => Promise<ApiReply<Name> | StreamReply>;

/** The Lambda handler of a route. `compose` runs at the first request, so that a module can be imported without an environment. */
export function lambdaFor<Name extends RouteName>(name: Name, compose: () => Answer<Name>) {
  const answer = once(compose);
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .use(logContext)
    .use(problemReplies())
    .handler(async (event) => buffered(routes[name], await answer()(parseRequest(name, event))));
}

/** As `lambdaFor`, for a route whose answer API Gateway passes on while it is written. */
export function streamingLambdaFor<Name extends RouteName>(name: Name, compose: () => StreamingAnswer<Name>) {
  const answer = once(compose);
  return middy<APIGatewayProxyEvent>({ executionMode: executionModeStreamifyResponse })
    .use(logContext)
    .use(streamedBody())
    .use(problemReplies())
    .handler(async (event) => {
      const reply = await answer()(parseRequest(name, event));
      if (!("stream" in reply)) return buffered(routes[name], reply);
      return {
        statusCode: reply.status,
        headers: reply.headers,
        body: Readable.from(reply.stream, { objectMode: false }),
      };
    });
}

/** Every line that the request leads to can be found by it: by the id that its caller and the access log have. */
const logContext: MiddlewareObj<APIGatewayProxyEvent> = {
  before({ event }) {
    const { requestId, authorizer } = event.requestContext;
    const { tenantId } = authorizer ?? {};
    const { jobId } = event.pathParameters ?? {};
    enterLogContext({ requestId, ...(tenantId && { tenantId }), ...(jobId && { jobId }) });
  },
};

function buffered(route: Route, reply: { body: unknown; headers?: Readonly<Record<string, string>> }) {
  const { status, contentType } = route.success;
  const body = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
  const headers = { "Content-Type": contentType, "Cache-Control": "no-store", ...reply.headers };
  return { statusCode: status, headers, body };
}

/** Given a string, middy cuts it into pieces that may end within a character; bytes it passes on as they are. */
function streamedBody(): MiddlewareObj<APIGatewayProxyEvent> {
  function toBytes(request: { response: unknown }) {
    const response = request.response as { body?: unknown } | undefined;
    if (typeof response?.body === "string") response.body = wholeBody(response.body);
  }
  return { after: toBytes, onError: toBytes };
}

/** A stream of one piece; `Readable.from` would take an iterator for it. */
function wholeBody(text: string): Readable {
  const bytes = Buffer.from(text);
  return new Readable({
    read() {
      this.push(bytes);
      this.push(null);
    },
  });
}

/** The only place where an error becomes an answer: what the caller can mend is shown, anything else is hidden. */
function problemReplies(): MiddlewareObj<APIGatewayProxyEvent> {
  return {
    onError: function replyWithProblem(request) {
      const known = knownProblem(request.error);
      const code: ProblemCode = known?.code ?? "internal_error";
      const detail = known?.message ?? "Something failed on our side; nothing is lost. Try again.";
      const { requestId } = request.event.requestContext;
      if (known === undefined) logError("request failed", request.error, { path: request.event.path });
      const about = { detail, instance: request.event.path, requestId, ...(known?.errors && { errors: known.errors }) };
      request.response = {
        statusCode: problemKinds[code].status,
        headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...retryAfter(known) },
        body: JSON.stringify(problemBody(code, about)),
      };
    },
  };
}

function knownProblem(error: unknown): ProblemError | undefined {
  if (error instanceof ProblemError) return error;
  if (!(error instanceof NewerSchema)) return undefined;
  return new ProblemError("newer_version", `${error.message} Try again when its deployment is complete.`, {
    retryAfterSeconds: 60,
  });
}

function retryAfter(problem: ProblemError | undefined): Record<string, string> {
  const seconds = problem?.retryAfterSeconds;
  return seconds === undefined ? {} : { "Retry-After": String(seconds) };
}
