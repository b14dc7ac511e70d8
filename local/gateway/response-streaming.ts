import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import type { APIGatewayProxyEvent, StreamifyHandler } from "aws-lambda";
import { ClientGone } from "./invocation-errors.ts";
import { ResultHead, toHttpHeaders } from "./proxy-result.ts";

/**
 * The stream that a streaming function writes its answer to, and the class that it knows as
 * `awslambda.HttpResponseStream`.
 *
 * As in Lambda's own runtime, the metadata given to `from` goes out with the first write, an empty one too, and a stream
 * without metadata is malformed to API Gateway. There the metadata is framed as JSON and eight NUL bytes in front of the
 * payload; here both ends are in one process and it becomes the head of the HTTP response directly.
 */
export class HttpResponseStream extends Writable {
  readonly #response: ServerResponse;
  #metadata: unknown;

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  static from(stream: Writable, metadata: Record<string, unknown>): HttpResponseStream {
    if (!(stream instanceof HttpResponseStream)) throw new TypeError("Not the response stream of an invocation.");
    stream.#metadata = metadata;
    return stream;
  }

  /** Says what Lambda's own stream carries; a client of API Gateway sees the headers of the metadata only. */
  readonly setContentType = (_contentType: string): void => {};

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    try {
      this.#sendHead();
    } catch (error) {
      written(new Error("The metadata of the stream is malformed", { cause: error }));
      return;
    }
    // Called back when the bytes have left, so that a slow client slows its function down.
    if (chunk.length === 0) written();
    else this.#response.write(chunk, toClient(written));
  }

  override _final(ended: (error?: Error | null) => void): void {
    if (this.#response.headersSent) this.#response.end(toClient(ended));
    else ended(new Error("The stream ended before its first write, which is what sends the metadata"));
  }

  #sendHead(): void {
    if (this.#response.headersSent) return;
    const head = ResultHead.parse(this.#metadata);
    this.#response.writeHead(head.statusCode, toHttpHeaders(head)).flushHeaders();
  }
}

/** Nothing but a client that has left makes a write to it fail. */
function toClient(sent: (error?: Error) => void): (error?: Error | null) => void {
  return (error) => sent(error ? new ClientGone() : undefined);
}

export type StreamingHandler = StreamifyHandler<APIGatewayProxyEvent, unknown>;

const streamingHandlers = new WeakMap<object, StreamingHandler>();

/** The handler as a streaming one, where `awslambda.streamifyResponse` has made it. */
export function asStreamingHandler(handler: object): StreamingHandler | undefined {
  return streamingHandlers.get(handler);
}

/** Makes `awslambda` global as in Lambda's runtime. To be called before any handler's module is imported. */
export function installAwsLambdaGlobal(): void {
  Object.assign(globalThis, {
    awslambda: {
      HttpResponseStream,
      streamifyResponse(handler: StreamingHandler): StreamingHandler {
        streamingHandlers.set(handler, handler);
        return handler;
      },
    },
  });
}
