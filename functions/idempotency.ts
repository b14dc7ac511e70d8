import { createHash } from "node:crypto";
import type { JobStore } from "../core/ports.ts";
import { ProblemError } from "./problem-error.ts";

export interface Idempotency {
  /** The job that the first request with this key was about. */
  readonly jobId: string;
  /** Whether this is a repetition of it. */
  readonly isReplay: boolean;
}

/**
 * Looks the request up under its `Idempotency-Key`, and remembers it there if it is the first. Without a key every
 * request is a first one. Throws `idempotency_key_reused` when the key was used for a different request.
 */
export async function firstRequest(
  jobs: JobStore,
  request: { readonly tenantId: string; readonly headers: Readonly<Record<string, string>> },
  about: { readonly operation: string; readonly jobId: string; readonly content: unknown },
): Promise<Idempotency> {
  const { operation, jobId, content } = about;
  const key = request.headers["idempotency-key"];
  if (key === undefined) return { jobId, isReplay: false };
  if (key.length < 1 || key.length > 255) {
    throw new ProblemError("invalid_request", "The Idempotency-Key header must have 1 to 255 characters.");
  }
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([operation, content], sortKeys))
    .digest("hex");
  const requestId = crypto.randomUUID();
  const first = await jobs.rememberRequest({ tenantId: request.tenantId, key, fingerprint, jobId, requestId });
  if (first.fingerprint !== fingerprint) {
    const detail = "This Idempotency-Key was used for a request with other content. Take a new key for a new request.";
    throw new ProblemError("idempotency_key_reused", detail);
  }
  return { jobId: first.jobId, isReplay: first.requestId !== requestId };
}

/** The header that tells a repeated answer from a first one. */
export function replayHeader(idempotency: Idempotency): Record<string, string> {
  return idempotency.isReplay ? { "Idempotent-Replay": "true" } : {};
}

/** The same content in another order is the same content. */
function sortKeys(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1)));
}
