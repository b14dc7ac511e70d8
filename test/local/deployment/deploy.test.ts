import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

const deploy = fileURLToPath(new URL("../../../local/deployment/deploy.ts", import.meta.url));

test.each([
  ["nothing answers there", "http://127.0.0.1:9", "No emulator answers at http://127.0.0.1:9. Start it first."],
  ["it is no emulator of this machine", "https://cloudformation.us-east-1.amazonaws.com", "and not an emulator"],
])("Nothing is deployed to AWS_ENDPOINT_URL where %s, and the reason is said", async (_what, endpoint, sentence) => {
  const { exitCode, stderr, stdout } = await execa(process.execPath, [deploy], {
    env: { AWS_ENDPOINT_URL: endpoint },
    reject: false,
  });

  expect(exitCode).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
});
