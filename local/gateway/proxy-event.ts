import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { APIGatewayEventIdentity, APIGatewayEventRequestContext, APIGatewayProxyEvent } from "aws-lambda";
import type { PathParameters } from "./route-table.ts";

/** A request whose route is found and whose body is read. */
export interface ReceivedRequest {
  readonly requestId: string;
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly resource: string;
  readonly pathParameters: PathParameters;
}

/** What an authorizer passes on to the function. */
export type AuthorizerContext = Readonly<Record<string, string>>;

export interface StageSettings {
  readonly stage: string;
  /** What is said of a request whose route has no authorizer, the tenant for example. */
  readonly authorizerContext?: AuthorizerContext;
}

/** The event that API Gateway (REST, Lambda proxy integration) makes of a request. */
export function toProxyEvent(received: ReceivedRequest, settings: StageSettings): APIGatewayProxyEvent {
  const { request, body, resource, pathParameters } = received;
  const [path, query] = splitOnce(request.url ?? "", "?");
  const headers = collect(pairs(request.rawHeaders));
  const parameters = query ? collect(new URLSearchParams(query)) : undefined;
  return {
    resource,
    path,
    httpMethod: request.method ?? "",
    headers: headers.last,
    multiValueHeaders: headers.all,
    queryStringParameters: parameters?.last ?? null,
    multiValueQueryStringParameters: parameters?.all ?? null,
    pathParameters,
    stageVariables: null,
    requestContext: toRequestContext(received, settings, path),
    ...toBody(body, request.headers["content-type"]),
  };
}

function splitOnce(text: string, separator: string): [before: string, after?: string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function* pairs(flat: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index < flat.length; index += 2) yield [flat[index] ?? "", flat[index + 1] ?? ""];
}

/** The last value and all values of each name. Without a prototype, because anybody may send `__proto__`. */
function collect(entries: Iterable<[string, string]>) {
  const last: Record<string, string> = Object.create(null);
  const all: Record<string, string[]> = Object.create(null);
  for (const [name, value] of entries) {
    const values = all[name] ?? [];
    values.push(value);
    all[name] = values;
    last[name] = value;
  }
  return { last, all };
}

function toRequestContext(
  { requestId, request, resource }: ReceivedRequest,
  { stage, authorizerContext }: StageSettings,
  path: string,
): APIGatewayEventRequestContext {
  return {
    accountId: "000000000000",
    apiId: "local",
    authorizer: authorizerContext,
    domainName: request.headers.host,
    httpMethod: request.method ?? "",
    identity: {
      ...NOBODY,
      sourceIp: request.socket.remoteAddress ?? "",
      userAgent: request.headers["user-agent"] ?? null,
    },
    path: `/${stage}${path}`,
    protocol: `HTTP/${request.httpVersion}`,
    requestId,
    requestTimeEpoch: Date.now(),
    resourceId: resource,
    resourcePath: resource,
    stage,
  };
}

/** A caller that has shown neither AWS credentials nor an API key nor a certificate. */
const NOBODY: Omit<APIGatewayEventIdentity, "sourceIp" | "userAgent"> = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

const BINARY_MEDIA_TYPE = /^(application\/octet-stream|(audio|font|image|video)\/)/i;

/** Text goes as it is, anything else as base64; no body is `null`. */
function toBody(body: Buffer, contentType = ""): Pick<APIGatewayProxyEvent, "body" | "isBase64Encoded"> {
  if (body.length === 0) return { body: null, isBase64Encoded: false };
  const isBase64Encoded = BINARY_MEDIA_TYPE.test(contentType) || !isUtf8(body);
  return { body: body.toString(isBase64Encoded ? "base64" : "utf8"), isBase64Encoded };
}
