import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { Scope } from "../../core/api-key.ts";
import { type Answer, lambdaFor } from "../../functions/http.ts";
import { Problem } from "../../openapi/problem.ts";
import { problemsOf, type Route } from "../../openapi/route.ts";
import { type RouteName, routes } from "../../openapi/routes.ts";

/** A request to a route. */
export interface ApiCall {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes as it is, anything else as JSON. */
  readonly body?: unknown;
  /** What the authorizer has answered; `null` for nothing. */
  readonly tenantId?: string | null;
  /** What the key may do: everything, unless it is said. */
  readonly scopes?: readonly string[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

type Handler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;

export const tenantId = "tenant-1";

/** The route behind API Gateway and Lambda, from the event that the one makes to the result that the other takes. */
export function lambdaOf<Name extends RouteName>(
  name: Name,
  answer: Answer<Name>,
): (call?: ApiCall) => Promise<ApiAnswer> {
  return callerOf(
    name,
    lambdaFor(name, () => answer),
  );
}

/** Calls a handler. Throws where it answers anything that the route does not say. */
export function callerOf(name: RouteName, handler: Handler): (call?: ApiCall) => Promise<ApiAnswer> {
  return async (call = {}) => {
    const { statusCode: status, headers = {}, body: text } = await handler(apiEvent(name, call), {} as Context);
    const isJson = /json/.test(String(headers["Content-Type"]));
    const body: unknown = isJson ? JSON.parse(text) : text;
    assertDeclared(routes[name], status, body);
    return { status, headers, body };
  };
}

function assertDeclared(route: Route, status: number, body: unknown): void {
  if (status === route.success.status) {
    route.success.body.parse(body);
    return;
  }
  const { code } = Problem.parse(body);
  if (!problemsOf(route).some((problem) => problem === code))
    throw new Error(`The route does not say that it answers ${code}.`);
}

/** The event of a REST API's Lambda proxy integration. */
function apiEvent(name: RouteName, call: ApiCall): APIGatewayProxyEvent {
  const route: Route = routes[name];
  const { params = {}, query = {}, body } = call;
  const path = route.path.replace(/\{(\w+)\}/g, (_, parameter: string) => params[parameter] ?? "");
  const all = Object.entries(query).map(([key, value]) => [key, [value].flat()] as const);
  const headers = { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...call.headers };
  return {
    resource: route.path,
    path,
    httpMethod: route.method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value]])),
    queryStringParameters:
      all.length === 0 ? null : Object.fromEntries(all.map(([key, values]) => [key, values.at(-1)])),
    multiValueQueryStringParameters: all.length === 0 ? null : Object.fromEntries(all),
    pathParameters: Object.keys(params).length === 0 ? null : { ...params },
    stageVariables: null,
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: requestContext(route, path, authorized(call)),
  };
}

function authorized({ tenantId: tenant = tenantId, scopes = Scope.options }: ApiCall) {
  return tenant === null ? undefined : { tenantId: tenant, keyId: "0123456789AB", scopes: scopes.join(" ") };
}

function requestContext(
  route: Route,
  path: string,
  authorizer: ReturnType<typeof authorized>,
): APIGatewayProxyEvent["requestContext"] {
  return {
    accountId: "000000000000",
    apiId: "test",
    authorizer,
    httpMethod: route.method,
    identity: {} as APIGatewayProxyEvent["requestContext"]["identity"],
    path: `/test${path}`,
    protocol: "HTTP/1.1",
    requestId: randomUUID(),
    requestTimeEpoch: Date.now(),
    resourceId: "test",
    resourcePath: route.path,
    stage: "test",
  };
}
