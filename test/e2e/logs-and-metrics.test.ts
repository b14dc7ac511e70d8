import { expect, test, vi } from "vitest";
import { capturedLog } from "../helpers/captured-log.ts";
import { metricsOf } from "../helpers/metric-lines.ts";
import { everyRole, startService } from "../helpers/service.ts";

const namespace = "omx-web-test";

test("A runner counts how long it was waited for and how its job ended, and every line of it names the job, the attempt and the task", async (context) => {
  capturedLog(context);
  vi.stubEnv("METRICS_NAMESPACE", namespace);
  await using service = await startService({ METRICS_NAMESPACE: namespace });

  await service.gitHost.add("demo/empty", {});
  const job = await service.submit({ repo: "demo/empty", options: { agentCommands: everyRole("true") } });
  expect(await service.end(job.jobId)).toMatchObject({ status: "succeeded" });

  const lines = () => service.log.flatMap((line) => /^runner \w+: (.*"_aws".*)$/.exec(line)?.[1] ?? []);
  await vi.waitFor(() => expect(lines()).toHaveLength(2));
  expect(metricsOf(lines())).toEqual([
    { namespace, metric: "StartSeconds", unit: "Seconds", value: expect.any(Number), dimensions: {} },
    { namespace, metric: "JobsEnded", unit: "Count", value: 1, dimensions: { status: "succeeded" } },
  ]);
  for (const line of lines()) {
    expect(JSON.parse(line)).toMatchObject({
      ...{ jobId: job.jobId, attempt: 1, tenantId: "local" },
      owner: expect.stringMatching(/^arn:aws:ecs:.*:task\//),
    });
  }
});
