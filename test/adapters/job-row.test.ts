import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jobKey, specKey } from "../../adapters/dynamo-table.ts";
import { toJobRecord } from "../../adapters/job-row.ts";
import { NewerSchema } from "../../core/errors.ts";
import { jobSchema } from "../../core/job.ts";
import { tableName } from "../../local/provision.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs } = await testTable();

/** A stored job one of whose rows then gets these attributes by another hand. */
async function jobWith(attributes: Record<string, unknown>, keyOf = jobKey) {
  const job = queuedJob();
  await jobs.create(job, jobSpec());
  const names = Object.keys(attributes);
  await client.send(
    new UpdateCommand({
      ...{ TableName: tableName, Key: keyOf(job.jobId) },
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, attributes[name]])),
    }),
  );
  return job;
}

describe("a stored row", () => {
  test("is the job, whatever else the store keeps beside it", () => {
    const job = queuedJob();

    expect(toJobRecord({ ...job, ...jobKey(job.jobId), expiresAt: 1, livePartition: "LIVE#1" })).toEqual(job);
  });

  test("of a later version is told apart by its number alone, whatever that version has made of the rest", async () => {
    const jobId = queuedJob().jobId;
    const later = fc.integer({ min: jobSchema + 1, max: 1_000 });
    await fc.assert(
      fc.property(later, fc.dictionary(fc.string(), fc.jsonValue()), (schema, rest) => {
        const read = () => toJobRecord({ ...rest, jobId, schema });
        expect(read).toThrow(NewerSchema);
        expect(read).toThrow(
          `Job ${jobId} has schema ${schema}; this version of the service reads up to ${jobSchema}.`,
        );
      }),
    );
  });

  test.each<[what: string, row: (job: object) => unknown]>([
    ["without a version", (job) => ({ ...job, schema: undefined })],
    ["of version 0", (job) => ({ ...job, schema: 0 })],
    ["without a status", (job) => ({ ...job, status: undefined })],
    ["with a status of which nobody knows", (job) => ({ ...job, status: "paused" })],
    ["that is nothing", () => undefined],
  ])("that no version has written is an error, and no newer row: %s", (_what, row) => {
    const read = () => toJobRecord(row(queuedJob()));

    expect(read).toThrow();
    expect(read).not.toThrow(NewerSchema);
  });
});

describe("the store", () => {
  test("throws NewerSchema for the row of a later version, however it is asked for", async () => {
    const { jobId, tenantId } = await jobWith({ schema: jobSchema + 1, status: "paused" });

    await expect(jobs.get(jobId)).rejects.toThrow(NewerSchema);
    await expect(jobs.glance(jobId)).rejects.toThrow(NewerSchema);
    await expect(jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 1 })).rejects.toThrow(NewerSchema);
  });

  test("throws it for what was asked for of a later version, also where that is nothing that this one knows", async () => {
    const spec = { ...jobSpec(), retries: 3 };
    const { jobId, tenantId } = await jobWith({ schema: jobSchema + 1, spec }, specKey);

    await expect(jobs.getSpec(jobId)).rejects.toThrow(NewerSchema);
    await expect(jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 1 })).rejects.toThrow(NewerSchema);
  });

  test("keeps such a row in the live index: whoever can read it looks after it", async () => {
    const { jobId } = await jobWith({ schema: jobSchema + 1 });

    expect(await Array.fromAsync(jobs.listLive("active"))).toContain(jobId);
  });

  test("changes nothing in such a row, although the guard says nothing against it", async () => {
    const { jobId } = await jobWith({ schema: jobSchema + 1 });

    expect(await jobs.update(jobId, { status: ["queued"] }, { stage: "planner" })).toBeUndefined();

    await client.send(
      new UpdateCommand({
        ...{ TableName: tableName, Key: jobKey(jobId), UpdateExpression: "SET #schema = :schema" },
        ...{ ExpressionAttributeNames: { "#schema": "schema" }, ExpressionAttributeValues: { ":schema": jobSchema } },
      }),
    );
    expect((await jobs.get(jobId))?.stage).toBeNull();
  });
});
