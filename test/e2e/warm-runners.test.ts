import { DescribeTasksCommand, ECSClient, ListTasksCommand } from "@aws-sdk/client-ecs";
import { expect, test, vi } from "vitest";
import { everyRole, type Service, startService } from "../helpers/service.ts";

const cluster = "omx-web-local";

/** Waits until a runner of this launch waits for a job; answers its task. */
async function waiting(service: Service, launchedFor: RegExp): Promise<string> {
  const ecs = new ECSClient({ endpoint: service.stack.ecsEndpoint });
  return vi.waitFor(async () => {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, desiredStatus: "RUNNING" }));
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
    const { taskArn = "" } = tasks.find(({ startedBy }) => launchedFor.test(startedBy ?? "")) ?? {};
    const isWaiting = (line: string) => line.includes("waiting for a job") && line.includes(`"owner":"${taskArn}"`);
    expect(service.log.some(isWaiting)).toBe(true);
    return taskArn;
  }, 10_000);
}

async function run(service: Service): Promise<{ jobId: string; owner: string }> {
  const { jobId } = await service.submit({ repo: "demo/empty", options: { agentCommands: everyRole("true") } });
  expect(await service.end(jobId)).toMatchObject({ status: "succeeded", attempt: 1 });
  const [started] = (await service.allEvents(jobId)).filter((event) => event.type === "runner_started");
  return { jobId, owner: started?.type === "runner_started" ? started.data.owner : "" };
}

test("A job is taken by the runner that waits, and the one launched for it waits for the next", async () => {
  await using service = await startService({ WARM_RUNNERS: "1" });
  await service.gitHost.add("demo/empty", {});

  const warm = await waiting(service, /^warm-\d+-0$/);
  const first = await run(service);
  const launched = await waiting(service, new RegExp(`^${first.jobId}-1$`));
  const second = await run(service);

  expect([first.owner, second.owner]).toEqual([warm, launched]);
});
