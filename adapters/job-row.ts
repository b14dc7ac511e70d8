import * as z from "zod";
import { NewerSchema } from "../core/errors.ts";
import { JobRecord, JobSpec, jobSchema } from "../core/job.ts";

const AnyRow = z.object({ schema: z.int().default(0) });
const JobRow = z.object({ jobId: z.string() });
const SpecRow = z.object({ spec: JobSpec });

/** The job in a stored row. Throws `NewerSchema` for one that a later version of the service has written. */
export function toJobRecord(row: unknown): JobRecord {
  assertReadable(JobRow.parse(row).jobId, row);
  return JobRecord.parse(row);
}

/** What was asked for, in a stored row. Throws `NewerSchema`, too. */
export function toJobSpec(jobId: string, row: unknown): JobSpec {
  assertReadable(jobId, row);
  return SpecRow.parse(row).spec;
}

function assertReadable(jobId: string, row: unknown): void {
  const { schema } = AnyRow.parse(row);
  if (schema <= jobSchema) return;
  throw new NewerSchema(`Job ${jobId} has schema ${schema}; this version of the service reads up to ${jobSchema}.`);
}
