import { describe, expect, test } from "vitest";
import { jobExpression as expressionFor } from "../../adapters/job-expression.ts";
import { jobSchema } from "../../core/job.ts";
import type { JobChanges, JobGuard, LivePlace } from "../../core/ports.ts";

const jobId = "01KB3Q9M6Y8Z4V5N7T2R1C0D9E";
const jobExpression = (id: string, guard: JobGuard, changes: JobChanges) => expressionFor(id, guard, changes, 30);

describe("the expression of a guarded update", () => {
  test("demands one of the statuses and sets the attributes, null as null", () => {
    expect(jobExpression(jobId, { status: ["queued", "starting"] }, { status: "failed", owner: null })).toEqual({
      UpdateExpression: "SET #status = :status, #owner = :owner",
      ConditionExpression: "#schema = :schema AND #status IN (:was0, :was1)",
      ExpressionAttributeNames: { "#schema": "schema", "#status": "status", "#owner": "owner" },
      ExpressionAttributeValues: {
        ...{ ":status": "failed", ":owner": null },
        ...{ ":schema": jobSchema, ":was0": "queued", ":was1": "starting" },
      },
    });
  });

  test("keeps what the row was apart from what it becomes", () => {
    const guard = { status: ["running"], attempt: 1, owner: "a", launches: 3, leaseUntil: 5 } as const;

    const expression = jobExpression(jobId, guard, { attempt: 2, owner: "b", launches: 4, leaseUntil: 6 });

    expect(expression.ConditionExpression).toBe(
      "#schema = :schema AND #status IN (:was0) AND #attempt = :seen_attempt AND #owner = :seen_owner " +
        "AND #launches = :seen_launches AND #leaseUntil = :seen_leaseUntil",
    );
    expect(expression.ExpressionAttributeValues).toEqual({
      ...{ ":attempt": 2, ":owner": "b", ":launches": 4, ":leaseUntil": 6, ":schema": jobSchema, ":was0": "running" },
      ...{ ":seen_attempt": 1, ":seen_owner": "a", ":seen_launches": 3, ":seen_leaseUntil": 5 },
    });
  });

  test("takes a settled job out of the live index, and demands that it is still there", () => {
    const expression = jobExpression(jobId, { status: ["failed"], settled: false }, { lastSeq: 3, settled: true });

    expect(expression.UpdateExpression).toBe("SET #lastSeq = :lastSeq, #expiresAt = :expiresAt REMOVE #livePartition");
    expect(expression.ConditionExpression).toBe(
      "#schema = :schema AND #status IN (:was0) AND attribute_exists(#livePartition)",
    );
  });

  test.each<[place: LivePlace, key: string]>([
    ["active", `active#${jobId}`],
    ["due", `due#${jobId}`],
    [{ waitingTenant: "팀 #1" }, `waiting#%ED%8C%80%20%231#${jobId}`],
  ])("moves a job within the live index by its sort key alone: %j", (live, key) => {
    const { UpdateExpression, ExpressionAttributeValues } = jobExpression(jobId, { status: ["queued"] }, { live });

    expect(UpdateExpression).toBe("SET #liveKey = :liveKey");
    expect(ExpressionAttributeValues[":liveKey"]).toBe(key);
  });

  test("demands that nobody has asked to cancel", () => {
    const { ConditionExpression, ExpressionAttributeValues } = jobExpression(
      jobId,
      { status: ["starting"], cancelRequested: false },
      { status: "running" },
    );

    expect(ConditionExpression).toBe("#schema = :schema AND #status IN (:was0) AND #cancelRequestedAt = :nobody");
    expect(ExpressionAttributeValues[":nobody"]).toBeNull();
  });

  test("names and uses every attribute and value, as DynamoDB demands", () => {
    const guard: JobGuard = {
      ...{ status: ["running"], attempt: 1, owner: "a", launches: 1, leaseUntil: 5 },
      ...{ cancelRequested: false, settled: false },
    };
    const changes = { status: "failed", stage: null, lastSeq: 1, live: "active", settled: true } as const;
    const expression = jobExpression(jobId, guard, changes);
    const text = `${expression.UpdateExpression} ${expression.ConditionExpression}`;

    const used = new Set(text.match(/[#:][\w]+/g));

    const given = [
      ...Object.keys(expression.ExpressionAttributeNames),
      ...Object.keys(expression.ExpressionAttributeValues),
    ];
    expect([...used].toSorted()).toEqual(given.toSorted());
  });
});
