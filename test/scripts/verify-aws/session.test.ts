import { expect, test, vi } from "vitest";
import { openSession } from "../../../scripts/verify-aws/session.ts";
import { pluginThatRuns, pluginToSession } from "./session-manager-plugin.ts";

const command = "session-manager-plugin '{\"sessionId\":\"s\"}' us-east-1 StartSession '' '{}'";

test("A session is seen by its status line, and left by its key", async () => {
  await using _plugin = await pluginToSession();

  expect(await openSession(command)).toEqual({ seen: "its panes, left by Ctrl-]", isAsExpected: true });
});

test("What is no session is told by its last line", async () => {
  await using _plugin = await pluginThatRuns("echo Starting; echo 'Cannot perform start session: EOF'; exit 1");

  expect(await openSession(command)).toEqual({
    seen: "no status line: Cannot perform start session: EOF",
    isAsExpected: false,
  });
});

test("A session that ends with an error although it was shown is not as expected", async () => {
  await using _plugin = await pluginThatRuns("stty -icanon; echo 'Ctrl-] leaves'; head -c 1 >/dev/null; exit 1");

  expect(await openSession(command)).toMatchObject({ isAsExpected: false });
});

test("Without the plugin it is not tried, and that is said", async () => {
  vi.stubEnv("PATH", "/nowhere");
  const seen = await openSession(command).finally(() => vi.unstubAllEnvs());

  expect(seen).toEqual({ seen: "not tried: no session-manager-plugin", isAsExpected: undefined });
});
