import { describe, expect, test } from "vitest";
import { ConfigurationInvalid, readConfiguration } from "../../infra-cdk/configuration.ts";

function refusal(context: Record<string, unknown>): string {
  try {
    readConfiguration(context);
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.message;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("the configuration", () => {
  test("needs nothing to be said", () => {
    expect(readConfiguration({})).toEqual({
      stackName: "omx-web-prod",
      stageName: "prod",
      runnerSize: "m",
      architecture: "arm64",
      network: "public",
      maxConcurrentJobs: 10,
      maxQueuedJobs: 1_000,
      warmRunners: 0,
      repositoryAllowList: ["https://github.com/"],
      gitBaseUrl: "https://github.com/",
      keepData: true,
      emulator: false,
    });
  });

  test("reads the same from the command line, where all is text, as from cdk.json", () => {
    const fromFile = { maxConcurrentJobs: 5, keepData: false, repositoryAllowList: ["https://a/", "https://b/"] };
    const fromLine = { maxConcurrentJobs: "5", keepData: "false", repositoryAllowList: "https://a/, https://b/" };

    expect(readConfiguration(fromLine)).toEqual(readConfiguration(fromFile));
  });

  test("leaves to CDK what is CDK's", () => {
    const context = {
      "@aws-cdk/aws-iam:minimizePolicies": true,
      "aws:cdk:bundling-stacks": [],
      "cli-telemetry": false,
    };

    expect(readConfiguration(context)).toEqual(readConfiguration({}));
  });

  test.each([
    ["stageName", "Prod!", "must be 1 to 20 small letters, digits and hyphens, a letter first"],
    ["region", "us-north-9", "must be a region such as us-east-1"],
    ["runnerSize", "xxl", "must be s, m, l or xl"],
    ["architecture", "riscv", "must be arm64 or x86"],
    ["network", "proxy", "must be public or nat"],
    ["maxConcurrentJobs", "0", "must be a whole number from 1 to 10000"],
    ["maxConcurrentJobs", 2.5, "must be a whole number from 1 to 10000"],
    ["maxConcurrentJobs", null, "must be a whole number"],
    ["warmRunners", "-1", "must be a whole number from 0 to 100"],
    ["maxQueuedJobs", "many", "must be a whole number from 1 to 100000"],
    ["repositoryAllowList", "ssh://git@host/", "must have entries that begin with https://, by which runners get out"],
    ["repositoryAllowList", "", "must name at least one URL prefix"],
    ["repositoryAllowList", 7, "must be a list of URL prefixes"],
    ["gitBaseUrl", "github", "must be a URL such as https://github.com/"],
    ["gitBaseUrl", "http://host/", "must begin with https://, by which runners get out"],
    ["gitTokenParameter", "ghp_secret", "must be the name of an SSM parameter, such as /omx-web/git-token"],
    ["alarmEmail", "me", "must be an e-mail address"],
    ["imageUri", "my image", "must be an image with a tag or a digest"],
    ["imageUri", "docker.io/omx/runner", "must be an image with a tag or a digest"],
    ["keepData", "yes", "must be true or false"],
    ["emulator", 1, "must be true or false"],
  ])("refuses a wrong %s (%j) in one sentence", (key, value, rule) => {
    expect(refusal({ [key]: value })).toBe(
      `The context's ${key} ${rule}, and not ${JSON.stringify(value)}: set it in cdk.json or by -c ${key}=….`,
    );
  });

  test("refuses a key that it does not know, and names those that it does", () => {
    expect(refusal({ runnersize: "m" })).toMatch(
      /^The context has no key runnersize: mend its name in cdk\.json or behind -c; there are stageName, .*emulator\.$/,
    );
  });

  test("lets an emulator clone from this machine, and refuses it a NAT gateway", () => {
    const { gitBaseUrl } = readConfiguration({ emulator: "true", gitBaseUrl: "file:///srv/git/" });

    expect(gitBaseUrl).toBe("file:///srv/git/");
    expect(refusal({ emulator: true, network: "nat" })).toContain("network must be public with an emulator");
  });
});
