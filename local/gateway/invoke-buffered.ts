import type { APIGatewayProxyEvent } from "aws-lambda";
import type { LambdaContext, LambdaHandler } from "./gateway-route.ts";
import { FunctionTimedOut } from "./invocation-errors.ts";
import { jsonPayload } from "./json-payload.ts";
import { MAX_LAMBDA_PAYLOAD_BYTES } from "./limits.ts";
import { ProxyResult } from "./proxy-result.ts";

/**
 * Invokes a function and waits for its whole answer. Throws `FunctionTimedOut` (the function is not stopped, as on AWS),
 * what the function throws, a `RangeError` for a result that is too large, or a `ZodError` for a malformed one.
 */
export async function invokeBuffered(
  handler: LambdaHandler,
  event: APIGatewayProxyEvent,
  context: LambdaContext,
  timeoutMilliseconds: number,
): Promise<ProxyResult> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new FunctionTimedOut(timeoutMilliseconds)), timeoutMilliseconds);
  try {
    const result = await Promise.race([handler(event, context), timeout.promise]);
    const payload = jsonPayload(result);
    if (payload === undefined)
      throw new RangeError(`The result is larger than ${MAX_LAMBDA_PAYLOAD_BYTES} bytes as JSON`);
    return ProxyResult.parse(JSON.parse(payload));
  } finally {
    clearTimeout(timer);
  }
}
