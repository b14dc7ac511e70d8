import { MAX_LAMBDA_PAYLOAD_BYTES } from "./limits.ts";

/** What crosses between the gateway and a function: JSON, and nothing where it is more than Lambda carries. */
export function jsonPayload(value: unknown): string | undefined {
  const payload = JSON.stringify(value ?? null);
  // No code unit takes more than three bytes, so most payloads need not be measured.
  if (payload.length * 3 <= MAX_LAMBDA_PAYLOAD_BYTES) return payload;
  return Buffer.byteLength(payload) <= MAX_LAMBDA_PAYLOAD_BYTES ? payload : undefined;
}
