import { ResponseType, type RestApi } from "aws-cdk-lib/aws-apigateway";
import { gatewayProblems, keyNeeded, type ProblemCode, problemBody } from "../openapi/problem.ts";

interface GatewayResponse {
  readonly status: keyof typeof gatewayProblems;
  readonly detail: string;
  /** Where the status alone does not say it. */
  readonly code?: ProblemCode;
  readonly headers?: Readonly<Record<string, string>>;
}

const failed = { status: 500, detail: "Something failed on our side; nothing is lost. Try again." };
const notAllowed = { status: 403, detail: "This request is not allowed with what it was sent with." };
const signedOrNot = { status: 401, detail: keyNeeded, headers: { "WWW-Authenticate": "Bearer" } };
const tooMany = {
  status: 429,
  detail: "There are too many requests at once. Send it again in a few seconds.",
  headers: { "Retry-After": "5" },
};
const invalid = {
  status: 400,
  detail: "The request is not one that this API takes; its description is at /openapi.json.",
};
/** A function that is throttled is one, too, to API Gateway. */
const overloaded = {
  status: 503,
  detail: "There is no room for this request right now; where you read a stream of events, read pages. Try again.",
  headers: { "Retry-After": "5" },
};
const nothingThere = { status: 404, detail: "There is nothing at this path, or not by this method." };

/** What API Gateway answers in the place of a function: a problem like any other. */
const responses: Readonly<Record<string, GatewayResponse>> = {
  ACCESS_DENIED: notAllowed,
  API_CONFIGURATION_ERROR: overloaded,
  AUTHORIZER_CONFIGURATION_ERROR: failed,
  AUTHORIZER_FAILURE: failed,
  BAD_REQUEST_BODY: { status: 400, code: "invalid_json", detail: "The body must be a JSON object." },
  BAD_REQUEST_PARAMETERS: invalid,
  DEFAULT_4XX: invalid,
  DEFAULT_5XX: failed,
  EXPIRED_TOKEN: nothingThere,
  INTEGRATION_FAILURE: { status: 502, detail: "The function behind this path has failed. Try again." },
  INTEGRATION_TIMEOUT: {
    status: 504,
    detail: "The function behind this path did not answer in time; it may still do what it was asked for.",
  },
  INVALID_API_KEY: signedOrNot,
  // Its own answers to a path or a method that it does not know, with 403: as nothing here is signed by AWS's rules, they say
  // nothing of the key.
  INVALID_SIGNATURE: nothingThere,
  MISSING_AUTHENTICATION_TOKEN: nothingThere,
  QUOTA_EXCEEDED: tooMany,
  REQUEST_TOO_LARGE: { status: 413, detail: "A request body has at most 10 MB." },
  RESOURCE_NOT_FOUND: nothingThere,
  THROTTLED: tooMany,
  UNAUTHORIZED: signedOrNot,
  UNSUPPORTED_MEDIA_TYPE: { status: 415, detail: "Send the body with the header `Content-Type: application/json`." },
  WAF_FILTERED: notAllowed,
};

export function addGatewayResponses(api: RestApi): void {
  for (const [type, { status, detail, code = gatewayProblems[status], headers = {} }] of Object.entries(responses)) {
    if (code === undefined) throw new Error(`gatewayProblems has no code for ${status}.`);
    // API Gateway fills these in as they are.
    const body = problemBody(code, { detail, instance: "$context.path", requestId: "$context.requestId" });
    api.addGatewayResponse(type, {
      type: ResponseType.of(type),
      statusCode: String(status),
      responseHeaders: quoted({ "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers }),
      templates: { "application/json": JSON.stringify(body) },
    });
  }
}

/** Constants stand in single quotes. */
function quoted(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `'${value}'`]));
}
