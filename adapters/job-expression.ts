import { jobSchema } from "../core/job.ts";
import type { JobChanges, JobGuard } from "../core/ports.ts";
import { expiryAfter, expiryAttribute, liveIndex, liveKey } from "./dynamo-table.ts";

/** The parts of an UpdateItem call that say: change this if the row is as the guard demands. */
export interface JobExpression {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, unknown>;
}

/** `null` is stored as such, so that a row always has every attribute of its schema. One that is settled expires. */
export function jobExpression(
  jobId: string,
  guard: JobGuard,
  changes: JobChanges,
  retentionDays: number,
): JobExpression {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const name = (attribute: string) => {
    names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  };
  const value = (label: string, content: unknown) => {
    values[`:${label}`] = content;
    return `:${label}`;
  };

  const { settled, live, ...attributes } = changes;
  const stored = {
    ...attributes,
    ...(live && { [liveIndex.sortKey]: liveKey(live, jobId) }),
    // Not before: a job that waits for a long time must not expire.
    ...(settled && { [expiryAttribute]: expiryAfter(retentionDays) }),
  };
  const sets = Object.entries(stored).map(
    ([attribute, content]) => `${name(attribute)} = ${value(attribute, content)}`,
  );
  const removal = settled ? ` REMOVE ${name(liveIndex.partitionKey)}` : "";

  const conditions = [
    // A later version may have taken the row over since it was read.
    `${name("schema")} = ${value("schema", jobSchema)}`,
    `${name("status")} IN (${guard.status.map((status, index) => value(`was${index}`, status)).join(", ")})`,
  ];
  for (const attribute of ["attempt", "owner", "launches", "leaseUntil"] as const) {
    if (guard[attribute] === undefined) continue;
    conditions.push(`${name(attribute)} = ${value(`seen_${attribute}`, guard[attribute])}`);
  }
  if (guard.cancelRequested === false) {
    conditions.push(`${name("cancelRequestedAt")} = ${value("nobody", null)}`);
  }
  if (guard.settled === false) conditions.push(`attribute_exists(${name(liveIndex.partitionKey)})`);

  return {
    UpdateExpression: `SET ${sets.join(", ")}${removal}`,
    ConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}
