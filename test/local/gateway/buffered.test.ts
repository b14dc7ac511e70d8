import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createConnection } from "node:net";
import { describe, expect, test } from "vitest";
import type { LambdaHandler } from "../../../local/gateway/gateway-server.ts";
import { echo, route, send, testGateway } from "./test-gateway.ts";

const MEBIBYTE = 1024 * 1024;
const LAMBDA_PAYLOAD_BYTES = 6_291_556;

/** The route `GET /` with a function that always answers this. */
const answering = (result: unknown) => [route("GET /", async () => result)];

describe("what a function answers", () => {
  test("becomes the response: status, headers, body", async () => {
    await using gateway = await testGateway(
      answering({
        statusCode: 202,
        headers: { Location: "/v1/jobs/1", "Retry-After": 5, "X-Ok": true },
        body: "웹 🎉",
      }),
    );
    const response = await fetch(gateway.url);
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("웹 🎉");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      location: "/v1/jobs/1",
      "retry-after": "5",
      "x-ok": "true",
      "content-length": "8",
      "content-type": "application/json",
    });
  });

  test("may have headers of many values, which win over single ones of the same name only by what they add", async () => {
    await using gateway = await testGateway(
      answering({
        statusCode: 200,
        headers: { "Set-Cookie": "a=1", "Content-Type": "text/plain" },
        multiValueHeaders: { "Set-Cookie": ["a=1", "b=2"], Link: ["<x>", "<y>"] },
        body: "",
      }),
    );
    const { headers } = await fetch(gateway.url);
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(headers.get("link")).toBe("<x>, <y>");
    expect(headers.get("content-type")).toBe("text/plain");
  });

  test("is decoded where it is base64", async () => {
    const bytes = Buffer.from([0x89, 0x50, 0xff, 0x00]);
    await using gateway = await testGateway(
      answering({ statusCode: 200, body: bytes.toString("base64"), isBase64Encoded: true }),
    );
    expect((await send(gateway, "/")).body).toEqual(bytes);
  });

  test("decides nothing about the framing", async () => {
    const headers = { "Content-Length": "1", "Transfer-Encoding": "chunked", Connection: "close" };
    await using gateway = await testGateway(answering({ statusCode: 200, headers, body: "four" }));
    const response = await fetch(gateway.url);
    expect(await response.text()).toBe("four");
    expect(response.headers.get("content-length")).toBe("4");
    expect(response.headers.get("connection")).toBe("keep-alive");
  });

  test.for([{ statusCode: 204 }, { statusCode: 204, body: "" }, { statusCode: 304, body: null }])(
    "may be without a body: %j",
    async (result) => {
      await using gateway = await testGateway(answering(result));
      const answer = await send(gateway, "/");
      expect(answer).toMatchObject({ status: result.statusCode, body: Buffer.alloc(0) });
      expect(answer.headers).not.toHaveProperty("content-length");
    },
  );

  test("crosses as JSON, so that what is not JSON is lost as on AWS", async () => {
    await using gateway = await testGateway(
      answering({ statusCode: 200, headers: { "X-Gone": undefined, "X-Date": new Date(0) }, body: "x" }),
    );
    const { headers } = await fetch(gateway.url);
    expect(headers.has("x-gone")).toBe(false);
    expect(headers.get("x-date")).toBe("1970-01-01T00:00:00.000Z");
  });
});

describe("a function that fails", () => {
  const cyclic: Record<string, unknown> = { statusCode: 200 };
  cyclic.self = cyclic;
  const failing: [string, LambdaHandler][] = [
    ["rejects", async () => Promise.reject(new Error("secret detail"))],
    [
      "throws at once",
      () => {
        throw new Error("secret detail");
      },
    ],
    ["rejects with nothing", () => Promise.reject()],
    ["answers nothing", async () => undefined],
    ["answers a text", async () => "hello"],
    ["answers without a status", async () => ({ body: "" })],
    ["answers a status that is a text", async () => ({ statusCode: "200", body: "" })],
    ["answers a status that is none", async () => ({ statusCode: 99, body: "" })],
    ["answers a body that is no text", async () => ({ statusCode: 200, body: { ok: true } })],
    ["answers a header that is an object", async () => ({ statusCode: 200, headers: { a: {} }, body: "" })],
    ["answers a header with a line break", async () => ({ statusCode: 200, headers: { a: "b\r\nc: d" }, body: "" })],
    ["answers a header in Korean", async () => ({ statusCode: 200, headers: { a: "웹" }, body: "" })],
    ["answers a header without a name", async () => ({ statusCode: 200, headers: { "": "a" }, body: "" })],
    ["answers a cycle", async () => cyclic],
    ["answers a bigint", async () => ({ statusCode: 200, body: "", extra: 1n })],
    ["answers a function", async () => () => "hello"],
  ];

  test.for(failing)("is a 502 that says nothing of it, and the gateway is told: %s", async ([, handler]) => {
    await using gateway = await testGateway([route("GET /", handler), route("GET /healthy", echo)]);
    const response = await fetch(gateway.url);
    const body = await response.text();
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ code: "internal_error", instance: "/" });
    expect(body).not.toContain("secret detail");
    expect(gateway.failures).toMatchObject([{ functionName: "get-function", requestId: JSON.parse(body).requestId }]);
    expect((await fetch(`${gateway.url}/healthy`)).status).toBe(200);
  });

  test("is a 504 where it takes too long, and what becomes of it later harms nobody", async () => {
    const late = Promise.withResolvers<never>();
    await using gateway = await testGateway([route("GET /", () => late.promise), route("GET /healthy", echo)], {
      bufferedTimeoutMilliseconds: 50,
    });
    const response = await fetch(gateway.url);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: "gateway_timeout" });
    expect(gateway.failures).toMatchObject([{ error: { name: "FunctionTimedOut" } }]);
    late.reject(new Error("too late"));
    expect((await fetch(`${gateway.url}/healthy`)).status).toBe(200);
  });
});

describe("the limits", () => {
  /** Answers how large its event is. */
  const upload = [route("POST /", async (event) => ({ statusCode: 200, body: String(JSON.stringify(event).length) }))];

  test("let a request through whose event is just as large as Lambda takes, and none that is larger", async () => {
    await using gateway = await testGateway(upload);
    const post = (bytes: number) => {
      const headers = { "Content-Type": "text/plain", "Content-Length": bytes };
      return send(gateway, "/", { method: "POST", headers }, "x".repeat(bytes));
    };
    const overhead = Number((await post(6_000_000)).body) - 6_000_000;
    const largest = await post(LAMBDA_PAYLOAD_BYTES - overhead);
    const tooLarge = await post(LAMBDA_PAYLOAD_BYTES - overhead + 1);
    expect(largest).toMatchObject({ status: 200, body: Buffer.from(String(LAMBDA_PAYLOAD_BYTES)) });
    expect(tooLarge.status).toBe(413);
    expect(JSON.parse(tooLarge.body.toString())).toMatchObject({
      code: "payload_too_large",
      detail: expect.stringContaining("6 MB"),
    });
  });

  test("count bytes, not characters", async () => {
    await using gateway = await testGateway(upload);
    const korean = await fetch(gateway.url, { method: "POST", body: "웹".repeat(2_500_000) });
    expect(korean.status).toBe(413);
  });

  test.for([
    ["whose length is declared", false],
    ["whose length is not", true],
  ] as const)("refuse a body of more than 10 MB %s", async ([, isChunked]) => {
    await using gateway = await testGateway(upload);
    const bytes = 10 * MEBIBYTE + 1;
    const headers = isChunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": bytes };
    const answer = await send(gateway, "/", { method: "POST", headers }, Buffer.alloc(bytes, "x"));
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ detail: expect.stringContaining("10 MB") });
  });

  test("answer an oversized upload without waiting for its end", async () => {
    await using gateway = await testGateway(upload);
    const { port } = new URL(gateway.url);
    const upload100 = httpRequest({
      host: "127.0.0.1",
      port,
      method: "POST",
      headers: { "Content-Length": 100 * MEBIBYTE },
    });
    upload100.on("error", () => {});
    upload100.write("the first bytes");
    const [response] = await once(upload100, "response");
    expect(response.statusCode).toBe(413);
    upload100.destroy();
  });

  test("tell a body of 10 MB, which API Gateway takes but Lambda does not, from a larger one", async () => {
    await using gateway = await testGateway(upload);
    const response = await fetch(gateway.url, { method: "POST", body: "x".repeat(10 * MEBIBYTE) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("6 MB") });
  });

  test("let a result through that is just as large as Lambda takes, and none that is larger", async () => {
    const result = (bodyLength: number) => ({ statusCode: 200, body: "x".repeat(bodyLength) });
    const largest = LAMBDA_PAYLOAD_BYTES - JSON.stringify(result(0)).length;
    await using gateway = await testGateway([
      route("GET /largest", async () => result(largest)),
      route("GET /larger", async () => result(largest + 1)),
    ]);
    expect((await (await fetch(`${gateway.url}/largest`)).text()).length).toBe(largest);
    expect((await fetch(`${gateway.url}/larger`)).status).toBe(502);
    expect(gateway.failures).toMatchObject([{ error: { message: expect.stringContaining("6291556") } }]);
  });
});

describe("a client that leaves in the middle of its upload", () => {
  test("starts no function and harms nobody", async () => {
    let invocations = 0;
    const counting = route("POST /", async () => ({ statusCode: 200, body: String(++invocations) }));
    await using gateway = await testGateway([counting]);
    for (let round = 0; round < 20; round++) {
      const socket = createConnection(Number(new URL(gateway.url).port), "127.0.0.1");
      await once(socket, "connect");
      const written = Promise.withResolvers<void>();
      socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", () => written.resolve());
      await written.promise;
      if (round % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
      await once(socket, "close");
    }
    expect(await (await fetch(gateway.url, { method: "POST", body: "whole" })).text()).toBe("1");
    expect(gateway.failures).toEqual([]);
  });
});

describe("the context of a function", () => {
  test("names the function and the time that it has left", async () => {
    const handler: LambdaHandler = async (event, context) => {
      const { functionName, awsRequestId, invokedFunctionArn, memoryLimitInMB } = context;
      const remaining = context.getRemainingTimeInMillis();
      const ids = [awsRequestId, event.requestContext.requestId];
      return {
        statusCode: 200,
        body: JSON.stringify({ functionName, ids, invokedFunctionArn, memoryLimitInMB, remaining }),
      };
    };
    await using gateway = await testGateway([{ name: "getJob", method: "GET", path: "/", streams: false, handler }]);
    const context = Object(await (await fetch(gateway.url)).json());
    expect(context).toMatchObject({
      functionName: "getJob",
      invokedFunctionArn: expect.stringMatching(/:function:getJob$/),
    });
    expect(new Set(context.ids).size).toBe(2);
    expect(context.remaining).toBeGreaterThan(0);
    expect(context.remaining).toBeLessThanOrEqual(29_000);
  });

  test("has no callback style", async () => {
    await using gateway = await testGateway([route("GET /", async (_event, context) => context.done())]);
    expect((await fetch(gateway.url)).status).toBe(502);
    expect(gateway.failures).toMatchObject([{ error: { message: expect.stringContaining("return a promise") } }]);
  });
});
