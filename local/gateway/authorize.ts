import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import * as z from "zod";
import type { AuthorizerHandler } from "./gateway-route.ts";
import { isInvokeAllowed, Policy } from "./policy.ts";
import { type AuthorizerContext, type ReceivedRequest, toProxyEvent } from "./proxy-event.ts";

/** What API Gateway takes from a request authorizer. */
const Answer = z.object({
  principalId: z.string(),
  policyDocument: Policy,
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
});

/** What the function is told of who sends the request, or why the request does not get to it. */
export type Authorization =
  | { readonly kind: "allowed"; readonly context: AuthorizerContext }
  | { readonly kind: "unauthorized" | "denied" }
  | { readonly kind: "authorizer_failed"; readonly error: unknown };

const NO_BODY = Buffer.alloc(0);

/**
 * Asks a request authorizer as API Gateway does: not without its identity source, the header `Authorization`; the error
 * "Unauthorized" is 401, any other and a malformed answer 500, a policy that does not allow the method 403. Only its
 * cache is missing: each request is asked for.
 */
export async function authorize(
  handler: AuthorizerHandler,
  received: Omit<ReceivedRequest, "body">,
  stage: string,
): Promise<Authorization> {
  if (!received.request.headers.authorization) return { kind: "unauthorized" };
  const event = toAuthorizerEvent(received, stage);
  try {
    const { principalId, policyDocument, context } = Answer.parse(await handler(event));
    if (!isInvokeAllowed(policyDocument, event.methodArn)) return { kind: "denied" };
    const texts = Object.entries(context ?? {}).map(([name, value]) => [name, String(value)] as const);
    return { kind: "allowed", context: { ...Object.fromEntries(texts), principalId } };
  } catch (error) {
    const isRefusal = error instanceof Error && error.message === "Unauthorized";
    return isRefusal ? { kind: "unauthorized" } : { kind: "authorizer_failed", error };
  }
}

function toAuthorizerEvent(received: Omit<ReceivedRequest, "body">, stage: string): APIGatewayRequestAuthorizerEvent {
  const { body, isBase64Encoded, ...event } = toProxyEvent({ ...received, body: NO_BODY }, { stage });
  const { apiId, accountId } = event.requestContext;
  const methodArn = `arn:aws:execute-api:us-east-1:${accountId}:${apiId}/${stage}/${event.httpMethod}${event.path}`;
  return JSON.parse(JSON.stringify({ type: "REQUEST", methodArn, ...event }));
}
