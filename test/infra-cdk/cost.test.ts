import { describe, expect, test } from "vitest";
import { idleCost } from "../../infra-cdk/cost/idle-cost.ts";
import { jobCost, overCompute } from "../../infra-cdk/cost/job-cost.ts";
import { Template, total } from "../../infra-cdk/cost/template.ts";
import { SynthesizedTemplate } from "../helpers/synthesized-template.ts";

const templateOf = (given: Record<string, unknown> = {}) => Template.parse(new SynthesizedTemplate(given).template);
const standard = templateOf();

describe("without jobs", () => {
  test("the service costs at most $1 a month", () => {
    const billed = total(idleCost(standard), "billed");

    expect(billed).toBeGreaterThan(0.1);
    expect(billed).toBeLessThanOrEqual(1);
  });

  test("a NAT gateway costs more than all else together", () => {
    expect(total(idleCost(templateOf({ network: "nat" })), "billed")).toBeGreaterThan(30);
  });

  test("a proxy costs a quarter of a NAT gateway: a machine with its address, its disk and its alarm", () => {
    const more = total(idleCost(templateOf({ network: "proxy" })), "billed") - total(idleCost(standard), "billed");

    expect(more).toBeCloseTo(7.46, 2);
  });

  test("warm runners are paid for all the time, with their addresses", () => {
    const warm = idleCost(templateOf({ warmRunners: 2 })).filter(({ what }) => what.startsWith("warm runners"));

    expect(warm.map(({ what }) => what)).toContain("warm runners: public IPv4 addresses");
    expect(total(warm, "dollars") / 2).toBeCloseTo(37.68, 1);
  });

  test("a kind of resource that nobody has looked up the price of is an error", () => {
    const Resources = { ...standard.Resources, Search: { Type: "AWS::OpenSearchService::Domain", Properties: {} } };

    expect(() => idleCost({ Resources })).toThrow("what AWS::OpenSearchService::Domain costs");
  });

  test("what is added is counted", () => {
    const Key = { Type: "AWS::KMS::Key", Properties: {} };
    const withKeys = { Resources: { ...standard.Resources, Key, Other: Key } };

    expect(total(idleCost(withKeys), "billed") - total(idleCost(standard), "billed")).toBeCloseTo(2);
  });
});

describe("1,000 jobs of ten minutes", () => {
  const cost = jobCost(standard, 1_000);

  test("cost on a runner of the size m what Fargate asks for it", () => {
    expect(total(cost.compute, "dollars")).toBeCloseTo(8.35, 2);
  });

  test("cost at most a tenth more than their compute alone, the runners' addresses aside", () => {
    expect(overCompute(cost).withoutAddresses).toBeLessThanOrEqual(1.1);
  });

  test("cost with a public address for each runner at most 16 hundredths more", () => {
    expect(overCompute(cost).withAddresses).toBeGreaterThan(1.1);
    expect(overCompute(cost).withAddresses).toBeLessThanOrEqual(1.16);
  });

  test.each(["nat", "proxy"])("have no address of their own with network: %s", (network) => {
    expect(jobCost(templateOf({ network }), 1_000).addresses).toEqual([]);
  });

  test("cost a quarter more on x86, and disk beyond 20 GiB on a larger size", () => {
    const x86 = jobCost(templateOf({ architecture: "x86" }), 1_000);
    const large = jobCost(templateOf({ runnerSize: "l" }), 1_000);

    expect(total(x86.compute, "dollars") / total(cost.compute, "dollars")).toBeCloseTo(1.25, 2);
    expect(large.compute.map(({ what }) => what)).toContain("30 GiB of disk more");
  });
});
