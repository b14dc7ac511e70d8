import { Writable } from "node:stream";

/**
 * Put in front of a streaming function for an emulator whose Lambda has no response streaming: what the function writes is
 * collected, and answered as one. The emulator's API asks it for a buffered answer anyhow.
 */

interface Metadata {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

class CollectedStream extends Writable {
  metadata: Metadata = {};
  readonly #chunks: Buffer[] = [];

  /** As Lambda's own. */
  static from(stream: CollectedStream, metadata: Metadata): CollectedStream {
    stream.metadata = metadata;
    return stream;
  }

  get body(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    this.#chunks.push(chunk);
    written();
  }
}

type StreamingHandler = (event: unknown, stream: CollectedStream, context: unknown) => Promise<unknown>;

function streamifyResponse(handler: StreamingHandler) {
  return async (event: unknown, context: unknown) => {
    const stream = new CollectedStream();
    await handler(event, stream, context);
    return { ...stream.metadata, body: stream.body };
  };
}

if (!("awslambda" in globalThis))
  Object.assign(globalThis, { awslambda: { HttpResponseStream: CollectedStream, streamifyResponse } });
