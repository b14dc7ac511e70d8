import { StopTaskCommand } from "@aws-sdk/client-ecs";
import { afterAll, expect, test } from "vitest";
import { setEnvironment } from "../../../local/process-environments.ts";
import { stopTasks } from "../../../scripts/destroy/stop-tasks.ts";
import { forever, script, testEcs } from "../../local/ecs/test-ecs.ts";

/** It takes its time to stop. */
const slow = script(
  'process.on("SIGTERM", () => setTimeout(process.exit, 3000)); console.log("ready"); setInterval(() => {}, 1000)',
);

const ecs = await testEcs({ forever, slow });
setEnvironment({ AWS_ENDPOINT_URL_ECS: ecs.endpoint });
afterAll(() => ecs[Symbol.asyncDispose]());

async function started(family: string) {
  const task = await ecs.run(family);
  await ecs.firstLine(task);
  return task;
}

test("All tasks of the cluster have stopped in the end, also one that was launched meanwhile and one that was stopping", async () => {
  const [first, stopping] = [await started("forever"), await started("slow")];
  await ecs.client.send(new StopTaskCommand({ cluster: ecs.cluster, task: stopping.taskArn }));
  const late = ecs.stopped(first).then(() => started("forever"));

  const count = await stopTasks(ecs.cluster);

  expect(count).toBe(2);
  for (const task of [first, stopping, await late])
    expect(await ecs.describe(task)).toMatchObject([{ lastStatus: "STOPPED" }]);
});

test("Where nothing runs, nothing is stopped", async () => {
  expect(await stopTasks(ecs.cluster)).toBe(0);
});

test("Where there is no cluster, no more is there to stop", async () => {
  expect(await stopTasks("omx-web-nowhere")).toBe(0);
});
