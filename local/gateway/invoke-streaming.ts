import type { ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import type { APIGatewayProxyEvent } from "aws-lambda";
import type { LambdaContext } from "./gateway-route.ts";
import { ClientGone, FunctionTimedOut } from "./invocation-errors.ts";
import { HttpResponseStream, type StreamingHandler } from "./response-streaming.ts";

/**
 * Invokes a function that writes its answer to a stream, and waits for the end of both: what it returns is ignored, as
 * in Lambda's runtime. Throws `FunctionTimedOut`, `ClientGone`, or what the function throws.
 *
 * On AWS a function is not told that its client has left and runs on. Here its stream is destroyed and its next write
 * fails, since a process that serves for days must not gather abandoned streams.
 */
export async function invokeStreaming(
  handler: StreamingHandler,
  event: APIGatewayProxyEvent,
  context: LambdaContext,
  response: ServerResponse,
  timeoutMilliseconds: number,
): Promise<void> {
  const stream = new HttpResponseStream(response);
  const timer = setTimeout(() => stream.destroy(new FunctionTimedOut(timeoutMilliseconds)), timeoutMilliseconds);
  const onClose = () => stream.destroy(new ClientGone());
  response.once("close", onClose);
  try {
    // An async function, so that a handler which throws at once fails like any other.
    const run = async () => await handler(event, stream, context);
    await Promise.all([finished(stream), run()]);
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    response.off("close", onClose);
  }
}
