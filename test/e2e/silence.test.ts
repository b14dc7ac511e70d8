import { expect, test } from "vitest";
import { processesWith } from "../helpers/processes.ts";
import { everyRole, startService } from "../helpers/service.ts";

test("The deployment says how long a pane may be silent, and a job whose pane is silent for longer fails.", async () => {
  await using service = await startService({ JOB_SILENCE_MINUTES: "0.01", JOB_SKIP_GIT_CLONE: "1" });
  const agentCommands = everyRole("echo at work; sleep 1000");
  const { jobId } = await service.submit({ repo: "owner/name", options: { agentCommands } });
  expect(await service.end(jobId)).toMatchObject({ status: "failed", reason: { code: "silent" } });
  expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
});
