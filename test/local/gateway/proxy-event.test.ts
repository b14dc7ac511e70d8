import { describe, expect, test } from "vitest";
import { echo, echoed, route, testGateway } from "./test-gateway.ts";

const all = [
  route("GET /v1/jobs/{jobId}", echo),
  route("POST /v1/jobs", echo),
  route("GET /v1/jobs/{jobId}/artifacts/{artifact-name}", echo),
  route("GET /docs/{file+}", echo),
];

describe("the event of a request", () => {
  test("has the shape of API Gateway's REST proxy integration", async () => {
    await using gateway = await testGateway(all);
    const before = Date.now();
    const headers = { "User-Agent": "test/1", "X-Trace": "1" };
    const event = await echoed(gateway, "/v1/jobs/01KB?limit=2", { headers });
    const host = new URL(gateway.url).host;
    expect(event).toEqual({
      resource: "/v1/jobs/{jobId}",
      path: "/v1/jobs/01KB",
      httpMethod: "GET",
      headers: { ...headers, Host: host, Connection: "close" },
      multiValueHeaders: {
        "User-Agent": ["test/1"],
        "X-Trace": ["1"],
        Host: [host],
        Connection: ["close"],
      },
      queryStringParameters: { limit: "2" },
      multiValueQueryStringParameters: { limit: ["2"] },
      pathParameters: { jobId: "01KB" },
      stageVariables: null,
      requestContext: {
        accountId: "000000000000",
        apiId: "local",
        authorizer: { tenantId: "local" },
        domainName: host,
        httpMethod: "GET",
        identity: {
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
          sourceIp: "127.0.0.1",
          user: null,
          userAgent: "test/1",
          userArn: null,
        },
        path: "/local/v1/jobs/01KB",
        protocol: "HTTP/1.1",
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        requestTimeEpoch: expect.any(Number),
        resourceId: "/v1/jobs/{jobId}",
        resourcePath: "/v1/jobs/{jobId}",
        stage: "local",
      },
      body: null,
      isBase64Encoded: false,
    });
    expect(event.requestContext.requestTimeEpoch).toBeGreaterThanOrEqual(before);
    expect(event.requestContext.requestTimeEpoch).toBeLessThanOrEqual(Date.now());
  });

  test("is a copy: what a function does to it reaches nobody else", async () => {
    const vandal = route("GET /vandal", async (event) => {
      const body = JSON.stringify(event.requestContext.authorizer);
      Object.assign(event.requestContext.authorizer ?? {}, { tenantId: "somebody else" });
      return { statusCode: 200, body };
    });
    await using gateway = await testGateway([vandal]);
    const ask = async () => (await fetch(`${gateway.url}/vandal`)).json();
    expect([await ask(), await ask()]).toEqual([{ tenantId: "local" }, { tenantId: "local" }]);
  });

  test("has a request id of its own each time", async () => {
    await using gateway = await testGateway(all);
    const ids = [await echoed(gateway, "/v1/jobs/1"), await echoed(gateway, "/v1/jobs/1")];
    expect(new Set(ids.map(({ requestContext }) => requestContext.requestId)).size).toBe(2);
  });
});

describe("the path", () => {
  test("stays as it was sent while its parameters are decoded", async () => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/v1/jobs/%EC%9B%B9%2F1%20%2525/artifacts/a+b.txt");
    expect(event.path).toBe("/v1/jobs/%EC%9B%B9%2F1%20%2525/artifacts/a+b.txt");
    expect(event.pathParameters).toEqual({ jobId: "웹/1 %25", "artifact-name": "a+b.txt" });
  });

  test("may have a parameter of any length", async () => {
    await using gateway = await testGateway(all);
    const jobId = "웹".repeat(1_000);
    expect((await echoed(gateway, `/v1/jobs/${encodeURIComponent(jobId)}`)).pathParameters).toEqual({ jobId });
  });

  test("gives a greedy parameter all that is left of it", async () => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/docs/ui/css%20/a.css?v=1");
    expect(event).toMatchObject({ resource: "/docs/{file+}", pathParameters: { file: "ui/css /a.css" } });
  });
});

describe("the query", () => {
  test("gives the last value and all values of each name, decoded", async () => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/v1/jobs/1?label=a&label=b%26c&q=%EC%9B%B9+%2B&empty=&flag");
    expect(event.queryStringParameters).toEqual({ label: "b&c", q: "웹 +", empty: "", flag: "" });
    expect(event.multiValueQueryStringParameters).toEqual({
      label: ["a", "b&c"],
      q: ["웹 +"],
      empty: [""],
      flag: [""],
    });
  });

  test.for(["/v1/jobs/1", "/v1/jobs/1?"])("is null where there is none: %s", async (path) => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, path);
    expect(event).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      path: "/v1/jobs/1",
    });
  });

  test("may have any name, those of an object's own properties too", async () => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/v1/jobs/1?__proto__=a&constructor=b&toString=c&toString=d");
    expect(Object.entries(event.multiValueQueryStringParameters ?? {})).toEqual([
      ["__proto__", ["a"]],
      ["constructor", ["b"]],
      ["toString", ["c", "d"]],
    ]);
  });
});

describe("the headers", () => {
  test("keep the case they were sent in, and their repetitions", async () => {
    await using gateway = await testGateway(all);
    const headers = { "IDEMPOTENCY-key": "K", "x-forwarded-FOR": ["1.1.1.1", "2.2.2.2"], constructor: "c" };
    const event = await echoed(gateway, "/v1/jobs/1", { headers });
    expect(event.headers).toMatchObject({ "IDEMPOTENCY-key": "K", "x-forwarded-FOR": "2.2.2.2", constructor: "c" });
    expect(event.multiValueHeaders["x-forwarded-FOR"]).toEqual(["1.1.1.1", "2.2.2.2"]);
  });
});

describe("the body", () => {
  const post = (contentType: string) => ({ method: "POST", headers: { "Content-Type": contentType } });

  test.for([
    ["JSON in Korean", "application/json", '{"task":"웹 요청 기반 실행 파이프라인 🎉"}'],
    ["a form", "application/x-www-form-urlencoded", "a=1&b=2"],
    ["text after a byte order mark", "text/plain", "\uFEFFtext"],
    ["text with a NUL", "text/plain", "a\0b"],
  ] as const)("goes as text: %s", async ([, contentType, text]) => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/v1/jobs", post(contentType), text);
    expect(event).toMatchObject({ body: text, isBase64Encoded: false });
  });

  test.for([
    ["bytes that are no UTF-8", "application/json", Buffer.from([0x7b, 0xff, 0x00])],
    ["half a code point", "text/plain", Buffer.from("웹").subarray(0, 2)],
    ["an octet stream, even of letters", "application/octet-stream", Buffer.from("letters")],
    ["an image", "image/png", Buffer.from([0x89, 0x50])],
  ] as const)("goes as base64: %s", async ([, contentType, bytes]) => {
    await using gateway = await testGateway(all);
    const event = await echoed(gateway, "/v1/jobs", post(contentType), bytes);
    expect(event.isBase64Encoded).toBe(true);
    expect(Buffer.from(event.body ?? "", "base64")).toEqual(Buffer.from(bytes));
  });

  test("is put together of its chunks, also within a code point", async () => {
    await using gateway = await testGateway(all);
    const bytes = Buffer.from("웹 요청");
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const response = await fetch(`${gateway.url}/v1/jobs`, { method: "POST", body, duplex: "half" });
    expect(await response.json()).toMatchObject({ body: "웹 요청", isBase64Encoded: false });
  });

  test("is null where it is empty", async () => {
    await using gateway = await testGateway(all);
    expect(await echoed(gateway, "/v1/jobs", post("application/json"), "")).toMatchObject({ body: null });
  });
});
