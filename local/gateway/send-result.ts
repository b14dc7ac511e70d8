import type { ServerResponse } from "node:http";
import { type ProxyResult, toHttpHeaders } from "./proxy-result.ts";

const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);

/** Throws for a header that HTTP cannot carry, before anything is sent. */
export function sendResult(response: ServerResponse, result: ProxyResult): void {
  const text = result.body ?? "";
  const body = result.isBase64Encoded ? Buffer.from(text, "base64") : text;
  const headers = toHttpHeaders(result);
  if (!STATUSES_WITHOUT_BODY.has(result.statusCode)) headers["content-length"] = String(Buffer.byteLength(body));
  response.writeHead(result.statusCode, headers);
  response.end(body);
}
