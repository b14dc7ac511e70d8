import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { buffer } from "node:stream/consumers";
import type { APIGatewayProxyEvent } from "aws-lambda";
import {
  type Gateway,
  type GatewayOptions,
  type GatewayRoute,
  type LambdaHandler,
  startGateway,
} from "../../../local/gateway/gateway-server.ts";
import type { FunctionFailure } from "../../../local/gateway/request-listener.ts";

export interface TestGateway extends Gateway {
  /** What the gateway has told of functions that failed. */
  readonly failures: readonly FunctionFailure[];
}

/** The real gateway on a free port. */
export async function testGateway(
  routes: readonly GatewayRoute[],
  more: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const failures: FunctionFailure[] = [];
  const gateway = await startGateway({
    port: 0,
    routes,
    stage: "local",
    authorizerContext: { tenantId: "local" },
    problem: (status, code, detail, requestId, instance) => ({ status, code, detail, requestId, instance }),
    onFunctionFailure: (failure) => failures.push(failure),
    ...more,
  });
  return { ...gateway, failures };
}

/** A buffered route; the name is made of what it serves. */
export function route(declaration: string, handler: LambdaHandler, streams = false): GatewayRoute {
  const [method = "", path = ""] = declaration.split(" ");
  return { name: `${method.toLowerCase()}-function`, method, path, streams, handler };
}

/** Answers with the event that it got. */
export const echo: LambdaHandler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });

interface RawAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** A request byte by byte as it is given: neither the path nor a header is made nicer on its way. */
export async function send(gateway: Gateway, path: string, options: RequestOptions = {}, body?: string | Buffer) {
  const { hostname, port } = new URL(gateway.url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  httpRequest({ hostname, port, path, agent: false, ...options }, resolve)
    .on("error", reject)
    .end(body);
  const response = await promise;
  const answer: RawAnswer = {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    headers: response.headers,
    body: await buffer(response),
  };
  return answer;
}

/** The event that an `echo` function got for this request. */
export async function echoed(
  gateway: Gateway,
  path: string,
  options?: RequestOptions,
  body?: string | Buffer,
): Promise<APIGatewayProxyEvent> {
  return JSON.parse((await send(gateway, path, options, body)).body.toString());
}
