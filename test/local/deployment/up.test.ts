import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

const up = fileURLToPath(new URL("../../../local/deployment/up.ts", import.meta.url));

test.each(["70000", "65536", "0", "-1", "http", ""])("No port is %j, and it says so in one sentence", async (port) => {
  const { exitCode, stderr, stdout } = await execa(process.execPath, [up], {
    env: { MINISTACK_PORT: port },
    reject: false,
  });

  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^[^\n]*MINISTACK_PORT: must be a port, such as 4566$/);
  expect(stdout).toBe("");
});
