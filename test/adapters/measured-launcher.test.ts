import { ulid } from "ulid";
import { beforeEach, expect, test } from "vitest";
import type { LogContext } from "../../adapters/log.ts";
import { measuredLauncher } from "../../adapters/measured-launcher.ts";
import { NoCapacity } from "../../core/errors.ts";
import { type InMemoryRunnerLauncher, inMemoryRunnerLauncher } from "../fakes/in-memory-runner-launcher.ts";

let recorded: { values: object; about: LogContext | undefined }[];
let fake: InMemoryRunnerLauncher;
beforeEach(() => {
  recorded = [];
  fake = inMemoryRunnerLauncher();
});
const measured = () => measuredLauncher(fake, (values, about) => recorded.push({ values, about }));

test("Each runner that is launched counts once; a warm one that is there already does not count again", async () => {
  const launch = { jobId: ulid(), attempt: 1, launch: 1 };

  await measured().launch(launch);
  expect([await measured().launchWarm("warm-1-0"), await measured().launchWarm("warm-1-0")]).toEqual([true, false]);

  expect(recorded).toEqual([
    { values: { RunnersLaunched: 1 }, about: launch },
    { values: { RunnersLaunched: 1 }, about: { name: "warm-1-0" } },
  ]);
});

test("A refusal counts, with what was said and by which call", async () => {
  const said = Object.assign(new Error("limit"), { $metadata: { requestId: "aws-1" } });
  fake.failOnce(new NoCapacity("ECS has no room", { cause: said }));

  await expect(measured().launchWarm("warm-1-0")).rejects.toThrow(NoCapacity);

  const about = { name: "warm-1-0", cause: "ECS has no room", awsRequestId: "aws-1" };
  expect(recorded).toEqual([{ values: { LaunchesRefused: 1 }, about }]);
});
