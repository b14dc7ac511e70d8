import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../../scripts/destroy/main.ts", import.meta.url));

test.each([
  ["no stack", ["--yes"], "Name one stack"],
  ["a stack of others", ["production", "--yes"], "Name one stack"],
  ["two stacks", ["omx-web-test", "omx-web-prod", "--yes"], "Name one stack"],
  ["an option that it does not know", ["omx-web-test", "--force"], "Unknown option '--force'"],
  ["what was not agreed to", ["omx-web-test"], "omx-web-test would be gone, and what its runners work on: add --yes"],
])("It refuses %s, does nothing, and says what it would do", async (_what, args, sentence) => {
  const env = { PATH: process.env.PATH ?? "", AWS_ENDPOINT_URL: "http://127.0.0.1:1", AWS_REGION: "us-east-1" };
  const { exitCode, stderr } = await execa(process.execPath, [main, ...args], { env, extendEnv: false, reject: false });

  expect(exitCode).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stderr).toContain("stops its runners");
});

test.each([
  ["no region", {}],
  ["no credentials", { AWS_REGION: "us-east-1" }],
  ["an endpoint where nobody answers", { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" }],
])("With %s it says in a sentence what to set", async (_what, given) => {
  const noFiles = { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  const nowhere = { AWS_ENDPOINT_URL: "http://127.0.0.1:1", AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" };
  const env = { PATH: process.env.PATH ?? "", ...noFiles, ...nowhere, ...given };
  const args = [main, "omx-web-test", "--yes"];
  const { exitCode, stderr } = await execa(process.execPath, args, { env, extendEnv: false, reject: false });

  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /^AWS does not say whose credentials these are \(.+\): set AWS_PROFILE and AWS_REGION, or log in\.$/,
  );
});
