import { expect, test } from "vitest";
import { setEnvironment } from "../../../local/process-environments.ts";
import { disableRules } from "../../../scripts/destroy/disable-rules.ts";
import { testEventBridge } from "./test-event-bridge.ts";

const stopped = (cluster: string) =>
  JSON.stringify({
    source: ["aws.ecs"],
    detail: { clusterArn: [`arn:aws:ecs:eu-west-1:123456789012:cluster/${cluster}`] },
  });

test("What calls the stack's reconcile is switched off, by the clock as by events, and nothing of others", async () => {
  using events = await testEventBridge([
    { Name: "omx-web-test-BackgroundEachMinute-A", target: "reconcile-of-test" },
    {
      Name: "omx-web-test-BackgroundRunnerStopped-B",
      target: "reconcile-of-test",
      EventPattern: stopped("omx-web-test"),
    },
    { Name: "omx-web-test-2-BackgroundEachMinute-C", target: "reconcile-of-test-2" },
    { Name: "omx-web-test-2-Background-D", target: "reconcile-of-test-2", EventPattern: stopped("omx-web-test-2") },
    { Name: "watch-all-clusters", target: "somebody", EventPattern: stopped("omx-web-test") },
    { Name: "each-night", target: "somebody" },
  ]);
  setEnvironment({ AWS_ENDPOINT_URL_EVENTBRIDGE: events.endpoint });

  const disabled = await disableRules("omx-web-test");

  expect(disabled).toEqual(["omx-web-test-BackgroundEachMinute-A", "omx-web-test-BackgroundRunnerStopped-B"]);
  expect(events.disabled).toEqual(disabled);
});

test("Where there are no rules, there is nothing to do", async () => {
  using events = await testEventBridge([]);
  setEnvironment({ AWS_ENDPOINT_URL_EVENTBRIDGE: events.endpoint });

  expect(await disableRules("omx-web-test")).toEqual([]);
});
