import type { IncomingMessage } from "node:http";
import { MAX_REQUEST_BODY_BYTES } from "./limits.ts";

const NO_BODY = Buffer.alloc(0);

/** The body, or why there is none: it is larger than API Gateway takes, or the client left before its end. */
export type ReadBody = Buffer | "too_large" | "aborted";

/** Reads a request's body. Node throws away what is left of one that is too large, once it has been answered. */
export async function readBody(request: IncomingMessage): Promise<ReadBody> {
  const { "content-length": declaredBytes, "transfer-encoding": encoding } = request.headers;
  if (declaredBytes === undefined && encoding === undefined) return NO_BODY;
  if (Number(declaredBytes) > MAX_REQUEST_BODY_BYTES) return "too_large";
  return await collect(request);
}

function collect(request: IncomingMessage): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_REQUEST_BODY_BYTES) chunks.push(chunk);
      else resolve("too_large");
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("close", () => resolve("aborted"));
  });
}
