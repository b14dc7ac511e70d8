import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import middy from "@middy/core";
import type { APIGatewayProxyEvent, StreamifyHandler } from "aws-lambda";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Gateway, LambdaHandler } from "../../../local/gateway/gateway-server.ts";
import { installAwsLambdaGlobal } from "../../../local/gateway/response-streaming.ts";
import { echo, route, send, testGateway } from "./test-gateway.ts";

const EVENT_STREAM = { statusCode: 200, headers: { "Content-Type": "text/event-stream" } };

beforeAll(installAwsLambdaGlobal);

/** The route `GET /` with a function that is written for Lambda's own streaming interface. */
function streaming(handler: StreamifyHandler<APIGatewayProxyEvent, unknown>) {
  // To Lambda a handler is a handler; only the runtime knows that this one gets a stream.
  return route("GET /", awslambda.streamifyResponse(handler) as unknown as LambdaHandler, true);
}

/** The route `GET /` with a middy function that answers this. */
async function middyStreaming(answer: (event: APIGatewayProxyEvent) => unknown) {
  const { executionModeStreamifyResponse } = await import("@middy/core/StreamifyResponse");
  const options = { executionMode: executionModeStreamifyResponse };
  const handler = middy(async (event: APIGatewayProxyEvent) => answer(event), options);
  return route("GET /", handler, true);
}

/** A response whose body is left to the test to read. */
async function open(gateway: Gateway): Promise<IncomingMessage> {
  const [response] = await once(httpRequest(gateway.url, { agent: false }).end(), "response");
  return response;
}

describe("a streaming function", () => {
  test("reaches its client with the first bytes before it writes the last ones", async () => {
    const clientHasRead = Promise.withResolvers<void>();
    async function* events() {
      yield "data: 웹\n\n";
      await clientHasRead.promise;
      yield "data: last\n\n";
    }
    await using gateway = await testGateway([
      await middyStreaming(() => ({ ...EVENT_STREAM, body: Readable.from(events()) })),
    ]);
    const response = await fetch(gateway.url);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const chunks: string[] = [];
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      chunks.push(chunk);
      clientHasRead.resolve();
    }
    expect(chunks).toEqual(["data: 웹\n\n", "data: last\n\n"]);
  });

  test("sends its head at once, before there is any body", async () => {
    const headSeen = Promise.withResolvers<void>();
    await using gateway = await testGateway([
      streaming(async (_event, stream) => {
        const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "X-A": "1" } });
        http.write("");
        await headSeen.promise;
        http.end("body");
      }),
    ]);
    const response = await fetch(gateway.url);
    expect(response).toMatchObject({ status: 201 });
    expect(response.headers.get("x-a")).toBe("1");
    headSeen.resolve();
    expect(await response.text()).toBe("body");
  });

  test.for([
    ["short", "웹 요청"],
    ["long", "가나다라".repeat(50_000)],
    ["empty", ""],
  ] as const)("may answer a text through middy: %s", async ([, body]) => {
    await using gateway = await testGateway([
      await middyStreaming(() => ({ statusCode: 202, multiValueHeaders: { "Set-Cookie": ["a=1", "b=2"] }, body })),
    ]);
    const response = await fetch(gateway.url);
    expect(response.status).toBe(202);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe(body);
  });

  test("may answer a web stream through middy", async () => {
    await using gateway = await testGateway([
      await middyStreaming(() => ({ statusCode: 200, body: ReadableStream.from(["a", "b"]) })),
    ]);
    expect(await (await fetch(gateway.url)).text()).toBe("ab");
  });

  test("gets the same event and the context with its own limit of time", async () => {
    await using gateway = await testGateway([
      streaming(async (event, stream, context) => {
        const http = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
        http.write(JSON.stringify({ resource: event.resource, left: context.getRemainingTimeInMillis() }));
        http.end();
      }),
    ]);
    const { resource, left } = Object(await (await fetch(gateway.url)).json());
    expect(resource).toBe("/");
    expect(left).toBeGreaterThan(29_000);
    expect(left).toBeLessThanOrEqual(900_000);
  });

  test("may set the content type of Lambda's own stream, which no client sees", async () => {
    await using gateway = await testGateway([
      streaming(async (_event, stream) => {
        stream.setContentType("text/plain");
        const http = awslambda.HttpResponseStream.from(stream, EVENT_STREAM);
        http.write("data: 1\n\n");
        http.end();
      }),
    ]);
    expect((await fetch(gateway.url)).headers.get("content-type")).toBe("text/event-stream");
  });

  test("keeps the connection for the next request", async () => {
    await using gateway = await testGateway([await middyStreaming(() => ({ statusCode: 200, body: "a" }))]);
    const { headers } = await fetch(gateway.url);
    expect(headers.get("connection")).toBe("keep-alive");
    expect(headers.get("transfer-encoding")).toBe("chunked");
  });
});

describe("a slow client", () => {
  test("slows its function down instead of filling the memory", async () => {
    const [chunkBytes, totalChunks] = [1024 * 1024, 100];
    let produced = 0;
    function* chunks() {
      for (; produced < totalChunks; produced++) yield Buffer.alloc(chunkBytes, "x");
    }
    await using gateway = await testGateway([
      await middyStreaming(() => ({ statusCode: 200, body: Readable.from(chunks(), { highWaterMark: 1 }) })),
      route("GET /other", echo),
    ]);
    const response = await open(gateway);
    // At rest: as much as the sockets hold has been produced, and twenty answers later it is no more.
    let before = -1;
    while (produced !== before) {
      before = produced;
      for (let round = 0; round < 20; round++) await (await fetch(`${gateway.url}/other`)).text();
    }
    expect(produced).toBeLessThan(totalChunks / 2);
    expect((await buffer(response)).length).toBe(chunkBytes * totalChunks);
    expect(gateway.failures).toEqual([]);
  });
});

describe("a client that leaves", () => {
  test("ends the body that a middy function streams, and is no failure", async () => {
    const ended = Promise.withResolvers<string>();
    async function* endless() {
      try {
        for (let id = 1; ; id++) {
          yield `id: ${id}\n\n`;
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        ended.resolve("cleaned up");
      }
    }
    await using gateway = await testGateway([
      await middyStreaming(() => ({ ...EVENT_STREAM, body: Readable.from(endless()) })),
      route("GET /other", echo),
    ]);
    const response = await open(gateway);
    await once(response, "data");
    response.destroy();
    expect(await ended.promise).toBe("cleaned up");
    expect((await fetch(`${gateway.url}/other`)).status).toBe(200);
    expect(gateway.failures).toEqual([]);
  });

  test("makes the writes of a function fail that does not use pipeline", async () => {
    const failedWrite = Promise.withResolvers<unknown>();
    await using gateway = await testGateway([
      streaming(async (_event, stream) => {
        const http = awslambda.HttpResponseStream.from(stream, EVENT_STREAM);
        http.write("");
        while (!http.destroyed) await new Promise((resolve) => setImmediate(resolve));
        http.write("too late", failedWrite.resolve);
      }),
    ]);
    (await open(gateway)).destroy();
    expect(await failedWrite.promise).toMatchObject({ code: "ERR_STREAM_DESTROYED" });
  });

  test("harms nobody when many of them leave at once", async () => {
    let open500 = 0;
    const body = () =>
      Readable.from(
        (async function* () {
          open500++;
          try {
            for (;;) {
              yield ": ping\n\n";
              await new Promise((resolve) => setImmediate(resolve));
            }
          } finally {
            open500--;
          }
        })(),
      );
    await using gateway = await testGateway([
      await middyStreaming(() => ({ ...EVENT_STREAM, body: body() })),
      route("GET /other", echo),
    ]);
    const responses = await Promise.all(Array.from({ length: 100 }, () => open(gateway)));
    await Promise.all(responses.map((response) => once(response, "data")));
    expect(open500).toBe(100);
    for (const response of responses) response.destroy();
    await vi.waitFor(() => expect(open500).toBe(0));
    expect((await fetch(`${gateway.url}/other`)).status).toBe(200);
  });
});

describe("a streaming function that fails", () => {
  const stuck = new Promise<never>(() => {});

  test.for<[string, StreamifyHandler<APIGatewayProxyEvent, unknown>]>([
    ["rejects before its first write", async () => Promise.reject(new Error("secret detail"))],
    [
      "throws at once",
      () => {
        throw new Error("secret detail");
      },
    ],
    ["writes without metadata", async (_event, stream) => void stream.end("body")],
    [
      "ends before its first write",
      async (_event, stream) => void awslambda.HttpResponseStream.from(stream, EVENT_STREAM).end(),
    ],
    [
      "gives metadata without a status",
      async (_event, stream) => void awslambda.HttpResponseStream.from(stream, {}).write(""),
    ],
    [
      "gives a header that HTTP cannot carry",
      async (_event, stream) =>
        void awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: { a: "웹" } }).write(""),
    ],
    ["destroys its stream", async (_event, stream) => void stream.destroy()],
  ])("is a 502 where nothing has been sent yet: %s", async ([, handler]) => {
    await using gateway = await testGateway([streaming(handler), route("GET /other", echo)]);
    const response = await fetch(gateway.url);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: "internal_error", instance: "/" });
    expect(gateway.failures).toMatchObject([{ functionName: "get-function" }]);
    expect((await fetch(`${gateway.url}/other`)).status).toBe(200);
  });

  test("is cut off where a part has been sent, so that it does not pass for whole", async () => {
    await using gateway = await testGateway([
      streaming(async (_event, stream) => {
        awslambda.HttpResponseStream.from(stream, EVENT_STREAM).write("data: 1\n\n");
        throw new Error("in the middle");
      }),
      route("GET /other", echo),
    ]);
    const response = await fetch(gateway.url);
    await expect(response.text()).rejects.toThrow("terminated");
    expect(gateway.failures).toMatchObject([{ error: { message: "in the middle" } }]);
    expect((await fetch(`${gateway.url}/other`)).status).toBe(200);
  });

  test("is cut off where the body of a middy function fails", async () => {
    async function* broken() {
      yield "data: 1\n\n";
      throw new Error("the table is gone");
    }
    await using gateway = await testGateway([
      await middyStreaming(() => ({ ...EVENT_STREAM, body: Readable.from(broken()) })),
    ]);
    await expect((await fetch(gateway.url)).text()).rejects.toThrow("terminated");
    expect(gateway.failures).toMatchObject([{ error: { message: "the table is gone" } }]);
  });

  test("is a 504 where it takes too long to begin, and is cut off where it takes too long to end", async () => {
    await using gateway = await testGateway(
      [
        streaming(() => stuck),
        route(
          "GET /begun",
          awslambda.streamifyResponse(async (_event, stream) => {
            awslambda.HttpResponseStream.from(stream, EVENT_STREAM).write("data: 1\n\n");
            await stuck;
          }) as unknown as LambdaHandler,
          true,
        ),
      ],
      { streamingTimeoutMilliseconds: 50 },
    );
    expect((await fetch(gateway.url)).status).toBe(504);
    await expect((await fetch(`${gateway.url}/begun`)).text()).rejects.toThrow("terminated");
    expect(gateway.failures).toMatchObject([
      { error: { name: "FunctionTimedOut" } },
      { error: { name: "FunctionTimedOut" } },
    ]);
  });
});

describe("a route whose handler does not fit", () => {
  test("is refused when the gateway starts", async () => {
    await expect(testGateway([route("GET /", echo, true)])).rejects.toThrow(
      "get-function streams: make its handler by",
    );
    const unexpected = { ...(await middyStreaming(() => "")), streams: false };
    await expect(testGateway([unexpected])).rejects.toThrow("get-function does not stream, but");
  });
});

describe("the end of the gateway", () => {
  test("ends the streams and their functions at once, while it still waits for other answers", async () => {
    const [functionEnded, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* endless() {
      try {
        for (;;) {
          yield ": ping\n\n";
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        functionEnded.resolve();
      }
    }
    const slowBegun = Promise.withResolvers<void>();
    const slow = route("GET /slow", async () => {
      slowBegun.resolve();
      await finish.promise;
      return { statusCode: 200, body: "whole" };
    });
    const stream = await middyStreaming(() => ({ ...EVENT_STREAM, body: Readable.from(endless()) }));
    const gateway = await testGateway([stream, slow]);
    const response = await open(gateway);
    await once(response, "data");
    const slowAnswer = send(gateway, "/slow");
    await slowBegun.promise;

    const disposed = gateway[Symbol.asyncDispose]();
    await expect(buffer(response)).rejects.toMatchObject({ code: "ECONNRESET" });
    await functionEnded.promise;
    finish.resolve();
    expect((await slowAnswer).body.toString()).toBe("whole");
    await disposed;
    expect(gateway.failures).toEqual([]);
  });
});
