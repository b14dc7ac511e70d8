import { createHash } from "node:crypto";
import * as z from "zod";
import { JobId } from "../core/job.ts";
import type { JobFilter } from "../core/ports.ts";
import { ProblemError } from "./problem-error.ts";

const Cursor = z.tuple([JobId, z.string()]);

/** Where a list goes on, bound to whose list it is and to its filters. */
export function toCursor(jobId: string, tenantId: string, filter: JobFilter): string {
  return Buffer.from(JSON.stringify([jobId, listFingerprint(tenantId, filter)])).toString("base64url");
}

/** The job id in a cursor of this very list. Throws `invalid_cursor` for any other. */
export function fromCursor(cursor: string, tenantId: string, filter: JobFilter): string {
  const [jobId, fingerprint] = parseCursor(cursor) ?? [];
  if (jobId !== undefined && fingerprint === listFingerprint(tenantId, filter)) return jobId;
  const detail = "The cursor does not belong to this list. Start without a cursor, and keep the filters while paging.";
  const errors = [{ pointer: "?cursor", detail: "is not a cursor of this list" }];
  throw new ProblemError("invalid_cursor", detail, { errors });
}

function parseCursor(cursor: string): z.infer<typeof Cursor> | undefined {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    return undefined;
  }
}

function listFingerprint(tenantId: string, filter: JobFilter): string {
  const labels = filter.labels.toSorted();
  const content = JSON.stringify([tenantId, filter.status ?? null, labels]);
  return createHash("sha256").update(content).digest("base64url").slice(0, 16);
}
