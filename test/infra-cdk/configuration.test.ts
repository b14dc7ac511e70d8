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
      egressAllowList: [],
      maxConcurrentJobs: 10,
      maxQueuedJobs: 1_000,
      warmRunners: 0,
      maxEventReaders: 100,
      retentionDays: 30,
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
    ["region", "us-north-9", "must be a commercial region such as us-east-1"],
    ["runnerSize", "xxl", "must be s, m, l or xl"],
    ["architecture", "riscv", "must be arm64 or x86"],
    ["network", "vpn", "must be public, nat or proxy"],
    ["egressAllowList", "api.example.com", "must be empty unless network is proxy"],
    ["egressAllowList", 7, "must be a list of host names"],
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
    ["region", "cn-north-1", "must be a commercial region such as us-east-1"],
    ["maxEventReaders", "-1", "must be a whole number from 0 to 10000"],
    ["maxEventReaders", "many", "must be a whole number from 0 to 10000"],
    ["retentionDays", "10", "must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365"],
    ["retentionDays", 400, "must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365"],
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

  test("takes host names and domains for the proxy, in small letters", () => {
    const { egressAllowList } = readConfiguration({
      network: "proxy",
      egressAllowList: "API.example.com, .models.example",
    });

    expect(egressAllowList).toEqual(["api.example.com", ".models.example"]);
  });

  test.each([
    ...["https://example.com", "example.com:443", "*.example.com", "localhost", "10.0.0.1"],
    ...["a..example", "a b.example", "..example"],
  ])("refuses %s as the name of a host", (host) => {
    const rule = "must have entries such as api.example.com, or .example.com for example.com and all below it";

    expect(refusal({ network: "proxy", egressAllowList: host })).toContain(`egressAllowList ${rule}, and not`);
  });

  test.each([
    ["gitBaseUrl", "https://192.0.2.1/"],
    ["gitBaseUrl", "https://git.example:8443/"],
    ["repositoryAllowList", "https://"],
    ["repositoryAllowList", "https://git"],
    ["repositoryAllowList", "https://user@git.example/"],
  ])("refuses with a proxy a %s (%s) that names no host to allow", (key, value) => {
    expect(() => readConfiguration({ [key]: value })).not.toThrow();
    expect(refusal({ network: "proxy", [key]: value })).toMatch(/name a host, as https:\/\/github\.com\/ does/);
  });

  test("lets an emulator clone from this machine, and refuses it a NAT gateway and a proxy", () => {
    const { gitBaseUrl } = readConfiguration({ emulator: "true", gitBaseUrl: "file:///srv/git/" });

    expect(gitBaseUrl).toBe("file:///srv/git/");
    for (const network of ["nat", "proxy"])
      expect(refusal({ emulator: true, network })).toContain("network must be public with an emulator");
  });
});
