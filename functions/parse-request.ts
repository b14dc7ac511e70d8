import type { APIGatewayProxyEvent } from "aws-lambda";
import * as z from "zod";
import { keyNeeded, type Problem } from "../openapi/problem.ts";
import type { Route } from "../openapi/route.ts";
import { type ApiRequest, type RouteName, routes } from "../openapi/routes.ts";
import { ProblemError } from "./problem-error.ts";

/** What the authorizer passes on, as API Gateway passes it: text. */
const Authorized = z.object({ tenantId: z.string(), scopes: z.string().optional() });

/** The request that the route's schemas describe, or a `ProblemError` that points at what is wrong with it. */
export function parseRequest<Name extends RouteName>(name: Name, event: APIGatewayProxyEvent): ApiRequest<Name> {
  const route: Route = routes[name];
  const headers = lowerCased(event.headers);
  const request = {
    tenantId: tenantOf(route, event),
    params: route.params && parseParams(route.params, event),
    query: route.query && parsePart(route.query, event.multiValueQueryStringParameters ?? {}, queryPointer),
    body: route.body && parsePart(route.body, jsonBody(event, headers), bodyPointer),
    headers,
    requestId: event.requestContext.requestId,
  };
  // The parts were parsed by this very route's schemas, which is what the type says.
  return request as unknown as ApiRequest<Name>;
}

function lowerCased(headers: APIGatewayProxyEvent["headers"]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value ?? ""]));
}

/** The tenant, and what its key may do, are what the authorizer says, never what the request says. */
function tenantOf(route: Route, event: APIGatewayProxyEvent): string {
  if (route.public) return "";
  const { tenantId, scopes } = Authorized.safeParse(event.requestContext.authorizer).data ?? {};
  if (!tenantId) throw new ProblemError("unauthorized", keyNeeded);
  if (scopes?.split(" ").includes(route.scope)) return tenantId;
  // The authorizer's answer is kept for all routes, so that each one has to look for itself.
  const detail = `This request takes a key with the scope ${route.scope}, which this one lacks. Use one that has it.`;
  throw new ProblemError("forbidden", detail);
}

/** An id that cannot be one belongs to no job. */
function parseParams(schema: z.ZodType, event: APIGatewayProxyEvent): unknown {
  const parsed = schema.safeParse(event.pathParameters ?? {});
  if (parsed.success) return parsed.data;
  throw new ProblemError("not_found", `Nothing is found at ${event.path}: ${parsed.error.issues[0]?.message}.`);
}

function jsonBody(event: APIGatewayProxyEvent, headers: Record<string, string>): unknown {
  // A web page of another site can send any other type without asking first.
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headers["content-type"] ?? "")) {
    throw new ProblemError("unsupported_media_type", "Send the body with the header `Content-Type: application/json`.");
  }
  const text = event.isBase64Encoded ? Buffer.from(event.body ?? "", "base64").toString() : (event.body ?? "");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProblemError("invalid_json", `The body is not valid JSON: ${(error as Error).message}`);
  }
}

function parsePart(schema: z.ZodType, value: unknown, pointer: (path: PropertyKey[]) => string): unknown {
  const parsed = schema.safeParse(value, { reportInput: false });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) => faults(issue, pointer));
  const [first, ...more] = errors;
  const others = more.length > 0 ? ` ${more.length} more in errors.` : "";
  throw new ProblemError("invalid_request", `${first?.pointer}: ${first?.detail}. Mend it and send again.${others}`, {
    errors,
  });
}

function faults(issue: z.core.$ZodIssue, pointer: (path: PropertyKey[]) => string): NonNullable<Problem["errors"]> {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: pointer([...issue.path, key]),
      detail: "is not a field of this request",
    }));
  }
  const rule = issue.code === "invalid_key" ? issue.issues[0] : undefined;
  return [{ pointer: pointer(issue.path), detail: rule?.message ?? issue.message }];
}

/** RFC 6901, as a URI fragment. */
function bodyPointer(path: PropertyKey[]): string {
  const token = (part: PropertyKey) => String(part).replaceAll("~", "~0").replaceAll("/", "~1");
  return `#${path.map((part) => `/${encodeURIComponent(token(part))}`).join("")}`;
}

function queryPointer(path: PropertyKey[]): string {
  return `?${String(path[0] ?? "")}`;
}
