import { describe, expect, test } from "vitest";
import { isInvokeAllowed, Policy } from "../../../local/gateway/policy.ts";

const arn = "arn:aws:execute-api:us-east-1:000000000000:local/local/POST/v1/jobs/01KB/cancel";
const statement = (Effect: string, Resource: unknown, Action: unknown = "execute-api:Invoke") => ({
  Effect,
  Action,
  Resource,
});
const isAllowed = (...statements: object[]) => isInvokeAllowed(Policy.parse({ Statement: statements }), arn);
const api = "arn:aws:execute-api:us-east-1:000000000000:local";

describe("a policy", () => {
  test.each([
    arn,
    "*",
    `${api}/local/*/*`,
    `${api}/*`,
    `${api}/local/POST/v1/jobs/????/cancel`,
    [`${api}/other/*`, `${api}/local/POST/*`],
  ])("allows what its resource %j covers", (resource) => {
    expect(isAllowed(statement("Allow", resource))).toBe(true);
  });

  test.each([
    `${api}/prod/*/*`,
    `${api}/local/GET/*`,
    `${api}/local/POST/v1/jobs`,
    `${api}/local/POST/v1/jobs/???/cancel`,
    "arn.*",
    "",
  ])("does not allow what its resource %j does not cover", (resource) => {
    expect(isAllowed(statement("Allow", resource))).toBe(false);
  });

  test("allows only to invoke", () => {
    expect(isAllowed(statement("Allow", "*", "execute-api:ManageConnections"))).toBe(false);
    expect(isAllowed(statement("Allow", "*", ["s3:GetObject", "execute-api:*"]))).toBe(true);
    expect(isAllowed(statement("Allow", "*", "*"))).toBe(true);
  });

  test("allows nothing where one statement denies it, and nothing that none allows", () => {
    expect(isAllowed(statement("Allow", "*"), statement("Deny", `${api}/local/POST/*`))).toBe(false);
    expect(isAllowed(statement("Allow", "*"), statement("Deny", `${api}/local/GET/*`))).toBe(true);
    expect(isAllowed(statement("Deny", "*"))).toBe(false);
    expect(isAllowed()).toBe(false);
  });
});
