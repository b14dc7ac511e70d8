import { expect, test } from "vitest";
import { embeddedMetrics } from "../../adapters/metrics.ts";
import { capturedLog } from "../helpers/captured-log.ts";
import { metricsOf } from "../helpers/metric-lines.ts";

test("Values are one line of CloudWatch's embedded metric format, each under its own dimensions", (context) => {
  const lines = capturedLog(context);

  embeddedMetrics("omx-web-test")({ JobsEnded: 1, QueueAgeSeconds: 7 }, { status: "failed", jobId: "a" });

  expect(lines).toHaveLength(1);
  expect(metricsOf(lines)).toEqual([
    {
      ...{ namespace: "omx-web-test", metric: "JobsEnded", unit: "Count", value: 1 },
      dimensions: { status: "failed" },
    },
    { namespace: "omx-web-test", metric: "QueueAgeSeconds", unit: "Seconds", value: 7, dimensions: {} },
  ]);
});

test("A job's id is in the line, where it can be searched for, and is no dimension, which would be paid for", (context) => {
  const lines = capturedLog(context);

  embeddedMetrics("omx-web-test")({ JobsEnded: 1 }, { status: "failed", jobId: "a", attempt: 2 });

  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ jobId: "a", attempt: 2 });
  expect(Object.keys(metricsOf(lines)[0]?.dimensions ?? {})).toEqual(["status"]);
});

test("Without a namespace nothing is written", (context) => {
  const lines = capturedLog(context);

  embeddedMetrics(undefined)({ JobsAccepted: 1 });

  expect(lines).toEqual([]);
});

test("The test of the format refuses a line that lacks a dimension or has a text for a value", (context) => {
  const lines = capturedLog(context);

  embeddedMetrics("omx-web-test")({ JobsEnded: 1 });

  expect(() => metricsOf(lines)).toThrow("lacks status");
  expect(() => metricsOf([(lines[0] ?? "").replace('"JobsEnded":1', '"JobsEnded":"1","status":"x"')])).toThrow(
    "lacks JobsEnded",
  );
});
