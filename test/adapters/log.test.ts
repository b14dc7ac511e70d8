import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { addLogContext, enterLogContext, logError, logInfo } from "../../adapters/log.ts";
import { capturedLog } from "../helpers/captured-log.ts";

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

test("What goes on side by side has each its own context, however deep it is in it, and whenever it was added", async (context) => {
  const lines = capturedLog(context);
  const request = async (requestId: string) => {
    await turn();
    enterLogContext({ requestId });
    await turn();
    addLogContext({ jobId: `job of ${requestId}` });
    await Promise.all([turn().then(() => logInfo("first", {})), turn().then(() => logInfo("second", {}))]);
  };

  await Promise.all([request("a"), request("b")]);

  const seen = parsed(lines).map(({ message, requestId, jobId }) => `${message} ${requestId}: ${jobId}`);
  expect(seen.toSorted()).toEqual([
    "first a: job of a",
    "first b: job of b",
    "second a: job of a",
    "second b: job of b",
  ]);
});

test("A process that works on one thing says so in each line, also where nothing is left of what led there", async (context) => {
  const lines = capturedLog(context);
  vi.resetModules();
  const own = await import("../../adapters/log.ts");

  own.addLogContext({ jobId: "a", attempt: 2 });
  await new Promise<void>((resolve) => {
    process.once("omx-web-test", () => resolve(own.logInfo("later", {})));
    process.emit("omx-web-test" as "exit", 0);
  });

  expect(parsed(lines)).toMatchObject([{ level: "INFO", message: "later", jobId: "a", attempt: 2 }]);
});

test("The error of a call to AWS is told with the id of that call, however it is wrapped", (context) => {
  const lines = capturedLog(context);
  const refused = Object.assign(new Error("Rate exceeded"), { $metadata: { requestId: "aws-1", attempts: 3 } });

  logError("it failed", refused, {});
  logError("it failed", new Error("ECS has no room", { cause: refused }), {});
  for (const $metadata of [undefined, null, "x", {}, { requestId: 7 }]) {
    logError("it failed", Object.assign(new Error("unreachable"), { $metadata }), {});
  }
  logError("it failed", "why", {});

  const none = Array(6).fill(undefined);
  expect(parsed(lines).map(({ awsRequestId }) => awsRequestId)).toEqual(["aws-1", "aws-1", ...none]);
});

test("A line says when it was written, and an error with its stack", (context) => {
  const lines = capturedLog(context);

  logError("it failed", new Error("why"), { part: "x" });

  expect(parsed(lines)).toMatchObject([{ level: "ERROR", message: "it failed", part: "x" }]);
  expect(parsed(lines)[0].cause).toMatch(/^Error: why\n {4}at /);
  expect(Date.parse(parsed(lines)[0].ts)).toBeGreaterThan(0);
});
