import { readdir } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import type { Job } from "../../core/job.ts";
import { type Client, client } from "../chaos/client.ts";
import { ownFolder } from "../chaos/own-folder.ts";
import type { Blow, PlannedJob } from "../chaos/plan.ts";
import { survive } from "../chaos/processes.ts";
import { killAll, stackProcess } from "../chaos/stack-process.ts";
import { everyRole } from "../helpers/service.ts";

const job: Omit<PlannedJob, "name"> = {
  ...{ afterMilliseconds: 0, workMilliseconds: 2_500, cancelAfterMilliseconds: undefined },
  ...{ keepsSession: false, isFollowed: true, isSubmittedTwice: true },
};
const blow: Omit<Blow, "kind"> = { afterMilliseconds: 1_000, pauseMilliseconds: 200, which: 0.5 };

test("Jobs whose runner is killed, and then the whole stack, go on by themselves: once each, to their end, without a trace.", async () => {
  const cleanUp = cleanUpOfTest();
  const jobs = ["one", "two", "three"].map((name) => ({ ...job, name }));
  const blows = (["runner killed", "stack killed"] as const).map((kind) => ({ ...blow, kind }));
  const { stories, damage, faults } = await survive({ jobs, blows }, cleanUp, () => undefined);
  expect(damage.blows).toEqual(["runner killed", "stack killed"]);
  expect(stories.map((story) => story.job?.status)).toEqual(["succeeded", "succeeded", "succeeded"]);
  expect(Object.entries(faults).filter(([, cases]) => cases.length > 0)).toEqual([]);
}, 120_000);

test("Of a job that keeps nothing, nothing stays after the service has stopped, though each of its runners was lost.", async ({
  signal,
}) => {
  const cleanUp = cleanUpOfTest();
  const stack = await stackProcess(await ownFolder(cleanUp), cleanUp, { JOB_SKIP_GIT_CLONE: "1" });
  await stack.start();
  const service = client(stack.url, signal);
  const options = { keepTmuxSession: false, agentCommands: everyRole("sleep 1000") };
  const request = { provider: "custom", mode: "team", repo: "a/b", task: "Be lost.", options } as const;
  const { jobId } = await service.submit(request, "key");
  for (const attempt of [1, 2, 3]) {
    await jobOnce(service, jobId, (seen) => seen.attempt === attempt && seen.panes[0]?.status === "running");
    killAll(await stack.runners(), "SIGKILL");
  }
  await service.untilEnded(jobId);
  expect(await service.job(jobId)).toMatchObject({ status: "failed", reason: { code: "runner_lost" } });
  expect(await stack.end("SIGINT")).toBe(0);
  expect(await readdir(stack.workRoot)).toEqual([]);
  expect(await stack.processes()).toEqual([]);
}, 120_000);

/** Disposed of also where the test runs out of its time. */
function cleanUpOfTest(): AsyncDisposableStack {
  const cleanUp = new AsyncDisposableStack();
  onTestFinished(() => cleanUp.disposeAsync());
  return cleanUp;
}

async function jobOnce(service: Client, jobId: string, isIt: (job: Job) => boolean): Promise<void> {
  for (;;) {
    const seen = await service.job(jobId);
    if (seen !== undefined && isIt(seen)) return;
  }
}
