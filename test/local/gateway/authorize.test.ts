import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { describe, expect, test, vi } from "vitest";
import type { AuthorizerHandler } from "../../../local/gateway/gateway-route.ts";
import { echo, echoed, route, send, testGateway } from "./test-gateway.ts";

const key = { headers: { Authorization: "Bearer abc", "X-A": "1" } };
const allow = (event: APIGatewayRequestAuthorizerEvent, more: object = {}) => ({
  principalId: "somebody",
  policyDocument: policy("Allow", event.methodArn),
  ...more,
});

function policy(Effect: string, Resource: string) {
  return { Version: "2012-10-17", Statement: [{ Effect, Action: "execute-api:Invoke", Resource }] };
}

async function guarded(authorizer: AuthorizerHandler) {
  const handler = vi.fn(echo);
  const routes = [
    { ...route("POST /jobs/{jobId}", handler), authorizer },
    { ...route("GET /jobs/{jobId}", handler), authorizer },
    route("GET /open", handler),
  ];
  const gateway = await testGateway(routes, { authorizerContext: { tenantId: "nobody's" } });
  return { ...gateway, gateway, handler };
}

function problemOf({ body }: { readonly body: Buffer }) {
  return JSON.parse(body.toString());
}

describe("a request authorizer", () => {
  test("is given the event that API Gateway makes, which has no body", async () => {
    const authorizer = vi.fn(async (event: APIGatewayRequestAuthorizerEvent) => allow(event));
    await using stack = await guarded(authorizer);

    await send(stack.gateway, "/jobs/a%20b?x=1&x=2", { method: "POST", ...key }, "secret");

    const [event] = authorizer.mock.calls[0] ?? [];
    expect(event).toMatchObject({
      type: "REQUEST",
      methodArn: "arn:aws:execute-api:us-east-1:000000000000:local/local/POST/jobs/a%20b",
      resource: "/jobs/{jobId}",
      path: "/jobs/a%20b",
      httpMethod: "POST",
      headers: { Authorization: "Bearer abc", "X-A": "1" },
      multiValueHeaders: { Authorization: ["Bearer abc"] },
      pathParameters: { jobId: "a b" },
      queryStringParameters: { x: "2" },
      multiValueQueryStringParameters: { x: ["1", "2"] },
      requestContext: { stage: "local", requestId: expect.any(String), resourcePath: "/jobs/{jobId}" },
    });
    expect(Object.keys(event ?? {})).not.toContain("body");
    expect(event?.requestContext).not.toHaveProperty("authorizer");
  });

  test("is not asked about a route that has none", async () => {
    const authorizer = vi.fn(async () => Promise.reject(new Error("Unauthorized")));
    await using stack = await guarded(authorizer);

    expect((await echoed(stack.gateway, "/open")).requestContext.authorizer).toEqual({ tenantId: "nobody's" });
    expect(authorizer).not.toHaveBeenCalled();
  });

  test("has what it says passed on to the function, as text and under its principal's name, with the same request id", async () => {
    let requestId = "";
    await using stack = await guarded(async (event) => {
      requestId = event.requestContext.requestId;
      return allow(event, { context: { tenantId: "acme", limit: 3, isAdmin: false } });
    });

    const { requestContext, body } = await echoed(stack.gateway, "/jobs/1", { method: "POST", ...key }, "body");

    expect(requestContext.authorizer).toEqual({
      principalId: "somebody",
      tenantId: "acme",
      limit: "3",
      isAdmin: "false",
    });
    expect(requestContext.requestId).toBe(requestId);
    expect(body).toBe("body");
  });

  test("is asked about each request", async () => {
    const authorizer = vi.fn(async (event: APIGatewayRequestAuthorizerEvent) => allow(event));
    await using stack = await guarded(authorizer);

    for (const _ of [1, 2, 3]) await send(stack.gateway, "/jobs/1", key);

    expect(authorizer).toHaveBeenCalledTimes(3);
  });
});

describe("a request does not get to the function", () => {
  test("401, without asking, where it lacks the header that tells who sends it", async () => {
    const authorizer = vi.fn();
    await using stack = await guarded(authorizer);

    for (const headers of [{}, { Authorization: "" }]) {
      const answer = await send(stack.gateway, "/jobs/1", { method: "POST", headers }, "body");
      expect(answer).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(problemOf(answer)).toMatchObject({ code: "unauthorized", instance: "/jobs/1" });
    }
    expect(authorizer).not.toHaveBeenCalled();
    expect(stack.handler).not.toHaveBeenCalled();
  });

  test("401 where the authorizer says Unauthorized", async () => {
    await using stack = await guarded(async () => Promise.reject(new Error("Unauthorized")));

    const answer = await send(stack.gateway, "/jobs/1", key);

    expect(answer).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
    expect(stack.failures).toEqual([]);
    expect(stack.handler).not.toHaveBeenCalled();
  });

  test.each([
    ["denies it", (arn: string) => policy("Deny", arn)],
    ["allows another method only", (arn: string) => policy("Allow", arn.replace("/GET/", "/POST/"))],
    ["says nothing of it", () => ({ Version: "2012-10-17", Statement: [] })],
  ])("403 where the policy %s", async (_what, policyDocument) => {
    await using stack = await guarded(async (event) => ({
      principalId: "x",
      policyDocument: policyDocument(event.methodArn),
    }));

    const answer = await send(stack.gateway, "/jobs/1", key);

    expect(answer.status).toBe(403);
    expect(problemOf(answer)).toMatchObject({ code: "forbidden" });
    expect(answer.headers).not.toHaveProperty("www-authenticate");
    expect(stack.handler).not.toHaveBeenCalled();
  });

  test.each([
    ["fails", async () => Promise.reject(new Error("Unauthorized access to the table"))],
    ["throws at once", () => JSON.parse("no JSON")],
    ["answers nothing", async () => undefined],
    ["answers no policy", async () => ({ principalId: "x" })],
    [
      "passes on what is not flat",
      async (event: APIGatewayRequestAuthorizerEvent) => allow(event, { context: { scopes: ["a"] } }),
    ],
  ])("500 where the authorizer %s, which is told to who runs the service", async (_what, authorizer) => {
    await using stack = await guarded(authorizer);

    const answer = await send(stack.gateway, "/jobs/1", key);

    expect(answer.status).toBe(500);
    expect(problemOf(answer)).toMatchObject({ code: "internal_error" });
    expect(answer.body.toString()).not.toContain("table");
    expect(stack.failures).toMatchObject([{ functionName: "authorizer of get-function", error: expect.any(Error) }]);
    expect(stack.handler).not.toHaveBeenCalled();
  });

  test("nor to the authorizer, where nothing is at its path", async () => {
    const authorizer = vi.fn();
    await using stack = await guarded(authorizer);

    expect((await send(stack.gateway, "/nothing", key)).status).toBe(404);
    expect((await send(stack.gateway, "/jobs/1", { ...key, method: "DELETE" })).status).toBe(405);
    expect(authorizer).not.toHaveBeenCalled();
  });
});
