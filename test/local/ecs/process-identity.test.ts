import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { identify, isAlive, ProcessIdentity } from "../../../local/ecs/process-identity.ts";

describe("the identity of a process", () => {
  test("is the same as long as it lives, and nobody's afterwards", async () => {
    const child = spawn("sleep", ["1000"]);
    const known = identify(child.pid ?? 0);
    const wasAlive = known && isAlive(known);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect([wasAlive, known && isAlive(known)]).toEqual([true, false]);
  });

  test("is not that of a process with the same id that started at another time", () => {
    expect(isAlive({ processId: process.pid, startTime: "1" })).toBe(false);
  });

  test.runIf(existsSync("/bin/ps"))("is told by ps where there is no /proc", () => {
    const platform = Object.getOwnPropertyDescriptor(process, "platform") ?? {};
    Object.defineProperty(process, "platform", { ...platform, value: "darwin" });
    using _restored = { [Symbol.dispose]: () => Object.defineProperty(process, "platform", platform) };
    const known = identify(process.pid);
    expect(known?.startTime).toMatch(/^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/);
    expect(known && isAlive(known)).toBe(true);
    // Beyond what Linux gives (PID_MAX_LIMIT).
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });

  test.for([1, 0, -1, 1.5])("is never read as process %f, which as a group is somebody else", (processId) => {
    expect(ProcessIdentity.safeParse({ processId, startTime: "1" }).success).toBe(false);
  });
});
