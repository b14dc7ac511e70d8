import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from "aws-lambda";

export type LambdaContext = Context;

/** Buffered: resolves to an `APIGatewayProxyResult`. Streaming: made by `awslambda.streamifyResponse`. */
export type LambdaHandler = (event: APIGatewayProxyEvent, context: LambdaContext) => Promise<unknown>;

/** A request authorizer: resolves to an `APIGatewayAuthorizerResult`, or fails with "Unauthorized". */
export type AuthorizerHandler = (event: APIGatewayRequestAuthorizerEvent) => Promise<unknown>;

/** A method of a resource and the function behind it. */
export interface GatewayRoute {
  /** The function's name. */
  readonly name: string;
  readonly method: string;
  /** As in API Gateway: `/v1/jobs/{jobId}`; `{name+}` at the end takes all that is left. */
  readonly path: string;
  readonly streams: boolean;
  readonly handler: LambdaHandler;
  /** Whose identity source is the header `Authorization`. */
  readonly authorizer?: AuthorizerHandler | undefined;
}
