import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRouteTable } from "../../../local/gateway/route-table.ts";
import { echo, echoed, route, send, testGateway } from "./test-gateway.ts";

const routes = [
  route("POST /v1/jobs", echo),
  route("GET /v1/jobs", echo),
  route("GET /v1/jobs/{jobId}", echo),
  route("POST /v1/jobs/{jobId}/cancel", echo),
  route("GET /v1/jobs/latest", echo),
  route("GET /docs/{file+}", echo),
  route("GET /", echo),
  route("GET /v1/a:b", echo),
];

describe("routing", () => {
  test.for([
    ["GET", "/v1/jobs", "/v1/jobs"],
    ["POST", "/v1/jobs?x=/docs/", "/v1/jobs"],
    ["GET", "/v1/jobs/01KB", "/v1/jobs/{jobId}"],
    ["GET", "/v1/jobs/latest", "/v1/jobs/latest"],
    ["GET", "/v1/%6Aobs", "/v1/jobs"],
    ["POST", "/v1/jobs/01KB/cancel", "/v1/jobs/{jobId}/cancel"],
    ["GET", "/docs/a", "/docs/{file+}"],
    ["GET", "/docs/a/b/c", "/docs/{file+}"],
    ["GET", "/", "/"],
    ["GET", "/v1/a:b", "/v1/a:b"],
  ] as const)("finds %s %s as %s", async ([method, path, resource]) => {
    await using gateway = await testGateway(routes);
    expect(await echoed(gateway, path, { method })).toMatchObject({ resource, httpMethod: method });
  });

  test.for([
    "/v1/job",
    "/v1/jobs/",
    "/v1//jobs",
    "/V1/jobs",
    "/v1/jobs/01KB/cancel/",
    "/v1/jobs//cancel",
    "/docs/",
    "/docs",
    "/v1/a",
    "//v1/jobs",
    "/v1/jobs%2F01KB",
  ])("answers 404 not_found for %s", async (path) => {
    await using gateway = await testGateway(routes);
    const answer = await send(gateway, path);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ status: 404, code: "not_found", instance: path });
  });

  test.for([
    ["DELETE", "/v1/jobs", "POST, GET"],
    ["GET", "/v1/jobs/01KB/cancel", "POST"],
    ["POST", "/v1/jobs/latest", "GET"],
    ["OPTIONS", "/v1/jobs", "POST, GET"],
    ["PROPFIND", "/", "GET"],
  ] as const)("answers 405 for %s %s and says what is allowed", async ([method, path, allow]) => {
    await using gateway = await testGateway(routes);
    const answer = await send(gateway, path, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow, "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "method_not_allowed", instance: path });
  });

  test("answers HEAD like any other method, without a body", async () => {
    await using gateway = await testGateway(routes);
    expect(await send(gateway, "/v1/jobs", { method: "HEAD" })).toMatchObject({ status: 405, body: Buffer.alloc(0) });
    expect(await send(gateway, "/unknown", { method: "HEAD" })).toMatchObject({ status: 404, body: Buffer.alloc(0) });
  });

  test.for(["/v1/%zz", "/v1/jobs/%FF", "/v1/jobs/%", "*"])("answers 400 for %s", async (path) => {
    await using gateway = await testGateway(routes);
    const answer = await send(gateway, path, { method: "OPTIONS" });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "bad_request" });
  });

  test("gives the problem the request's id and its path without the query", async () => {
    await using gateway = await testGateway(routes);
    const answer = await send(gateway, "/unknown?token=secret");
    expect(answer.headers).toMatchObject({ "content-type": "application/problem+json" });
    expect(JSON.parse(answer.body.toString())).toEqual({
      status: 404,
      code: "not_found",
      detail: "There is nothing at this path.",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      instance: "/unknown",
    });
  });

  test("refuses two names for the same parameter when it starts, as API Gateway does", async () => {
    const twice = [route("GET /v1/{a}", echo), route("POST /v1/{b}", echo)];
    await expect(testGateway(twice)).rejects.toThrow("already declared");
  });

  test("gives back every text that a client encodes into a path", () => {
    const match = createRouteTable([
      { method: "GET", path: "/v1/{a-b}/x/{c.d}" },
      { method: "GET", path: "/g/{rest+}" },
    ]);
    const text = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(text, text, (first, second) => {
        const both = match("GET", `/v1/${encodeURIComponent(first)}/x/${encodeURIComponent(second)}?${first}`);
        expect(both).toMatchObject({ kind: "found", pathParameters: { "a-b": first, "c.d": second } });
        const greedy = match("GET", `/g/${encodeURIComponent(first)}/${encodeURIComponent(second)}`);
        expect(greedy).toMatchObject({ kind: "found", pathParameters: { rest: `${first}/${second}` } });
      }),
    );
  });

  test("never throws, whatever is asked for", () => {
    const match = createRouteTable(routes);
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: "binary" }), (method, url) => void match(method, `/v1/jobs/${url}`)),
    );
  });
});
