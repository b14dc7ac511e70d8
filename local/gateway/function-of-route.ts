import type { ServerResponse } from "node:http";
import type { APIGatewayProxyEvent } from "aws-lambda";
import type { AuthorizerHandler, GatewayRoute } from "./gateway-route.ts";
import { invokeBuffered } from "./invoke-buffered.ts";
import { invokeStreaming } from "./invoke-streaming.ts";
import { createLambdaContext } from "./lambda-context.ts";
import { BUFFERED_TIMEOUT_MILLISECONDS, STREAMING_TIMEOUT_MILLISECONDS } from "./limits.ts";
import { asStreamingHandler, type StreamingHandler } from "./response-streaming.ts";
import { sendResult } from "./send-result.ts";

/** API Gateway's own limits where they are absent. */
export interface FunctionTimeouts {
  readonly bufferedTimeoutMilliseconds?: number;
  readonly streamingTimeoutMilliseconds?: number;
}

/** The function behind a method of a path. */
export interface FunctionOfRoute {
  readonly functionName: string;
  readonly method: string;
  readonly path: string;
  readonly authorizer: AuthorizerHandler | undefined;
  /** Sends what the function answers; rejects where it fails to. */
  readonly invoke: (event: APIGatewayProxyEvent, response: ServerResponse) => Promise<void>;
}

/** Throws where the route and its handler do not fit: on AWS that would show with the first request only. */
export function functionOfRoute(
  route: GatewayRoute,
  timeouts: FunctionTimeouts,
  openStreams: Set<ServerResponse>,
): FunctionOfRoute {
  const { name, method, path, streams, handler, authorizer } = route;
  const streamingHandler = asStreamingHandler(handler);
  const isStreaming = streamingHandler !== undefined;
  if (streams && !isStreaming) throw new TypeError(`${name} streams: make its handler by awslambda.streamifyResponse.`);
  if (isStreaming && !streams) throw new TypeError(`${name} does not stream, but awslambda.streamifyResponse made it.`);
  const invoke = isStreaming ? streaming(name, streamingHandler, timeouts, openStreams) : buffered(route, timeouts);
  return { functionName: name, method, path, authorizer, invoke };
}

function buffered({ name, handler }: GatewayRoute, timeouts: FunctionTimeouts): FunctionOfRoute["invoke"] {
  const { bufferedTimeoutMilliseconds = BUFFERED_TIMEOUT_MILLISECONDS } = timeouts;
  return async (event, response) => {
    const context = createLambdaContext(name, Date.now() + bufferedTimeoutMilliseconds);
    sendResult(response, await invokeBuffered(handler, event, context, bufferedTimeoutMilliseconds));
  };
}

function streaming(
  name: string,
  handler: StreamingHandler,
  timeouts: FunctionTimeouts,
  openStreams: Set<ServerResponse>,
): FunctionOfRoute["invoke"] {
  const { streamingTimeoutMilliseconds = STREAMING_TIMEOUT_MILLISECONDS } = timeouts;
  return async (event, response) => {
    const context = createLambdaContext(name, Date.now() + streamingTimeoutMilliseconds);
    openStreams.add(response);
    try {
      await invokeStreaming(handler, event, context, response, streamingTimeoutMilliseconds);
    } finally {
      openStreams.delete(response);
    }
  };
}
