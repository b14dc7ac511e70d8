import { describe, expect, test } from "vitest";
import { jobExpression } from "../../adapters/job-expression.ts";

describe("the expression of a guarded update", () => {
  test("demands one of the statuses and sets the attributes, null as null", () => {
    expect(jobExpression({ status: ["queued", "starting"] }, { status: "failed", owner: null })).toEqual({
      UpdateExpression: "SET #status = :status, #owner = :owner",
      ConditionExpression: "#status IN (:was0, :was1)",
      ExpressionAttributeNames: { "#status": "status", "#owner": "owner" },
      ExpressionAttributeValues: { ":status": "failed", ":owner": null, ":was0": "queued", ":was1": "starting" },
    });
  });

  test("keeps what the row was apart from what it becomes", () => {
    const guard = { status: ["running"], attempt: 1, owner: "a", leaseUntil: 5 } as const;

    const expression = jobExpression(guard, { attempt: 2, owner: "b", leaseUntil: 6 });

    expect(expression.ConditionExpression).toBe(
      "#status IN (:was0) AND #attempt = :seen_attempt AND #owner = :seen_owner AND #leaseUntil = :seen_leaseUntil",
    );
    expect(expression.ExpressionAttributeValues).toEqual({
      ...{ ":attempt": 2, ":owner": "b", ":leaseUntil": 6 },
      ...{ ":was0": "running", ":seen_attempt": 1, ":seen_owner": "a", ":seen_leaseUntil": 5 },
    });
  });

  test("takes a settled job out of the live index, and demands that it is still there", () => {
    const expression = jobExpression({ status: ["failed"], settled: false }, { lastSeq: 3, settled: true });

    expect(expression.UpdateExpression).toBe("SET #lastSeq = :lastSeq REMOVE #livePartition");
    expect(expression.ConditionExpression).toBe("#status IN (:was0) AND attribute_exists(#livePartition)");
  });

  test("demands that nobody has asked to cancel", () => {
    const { ConditionExpression, ExpressionAttributeValues } = jobExpression(
      { status: ["starting"], cancelRequested: false },
      { status: "running" },
    );

    expect(ConditionExpression).toBe("#status IN (:was0) AND #cancelRequestedAt = :nobody");
    expect(ExpressionAttributeValues[":nobody"]).toBeNull();
  });

  test("names and uses every attribute and value, as DynamoDB demands", () => {
    const guard = {
      status: ["running"],
      attempt: 1,
      owner: "a",
      leaseUntil: 5,
      cancelRequested: false,
      settled: false,
    } as const;
    const expression = jobExpression(guard, { status: "failed", stage: null, lastSeq: 1, settled: true });
    const text = `${expression.UpdateExpression} ${expression.ConditionExpression}`;

    const used = new Set(text.match(/[#:][\w]+/g));

    const given = [
      ...Object.keys(expression.ExpressionAttributeNames),
      ...Object.keys(expression.ExpressionAttributeValues),
    ];
    expect([...used].toSorted()).toEqual(given.toSorted());
  });
});
