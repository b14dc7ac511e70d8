import { setImmediate as turn } from "node:timers/promises";
import { ulid } from "ulid";
import { expect, test, vi } from "vitest";
import { logInfo } from "../../adapters/log.ts";
import { Problem } from "../../openapi/problem.ts";
import { lambdaOf, tenantId } from "../helpers/api.ts";
import { capturedLog } from "../helpers/captured-log.ts";

test("Requests that are answered at the same time each have their own id, tenant and job in their lines", async (context) => {
  const lines = capturedLog(context);
  const bothCame = Promise.withResolvers<void>();
  const came = vi.fn();
  const call = lambdaOf("getJob", async ({ params }) => {
    came();
    if (came.mock.calls.length === 2) bothCame.resolve();
    await bothCame.promise;
    await turn();
    logInfo("looked up", { asked: params.jobId });
    throw new Error("no table");
  });

  const jobIds = [ulid(), ulid()];
  const answers = await Promise.all(jobIds.map((jobId) => call({ params: { jobId } })));

  const requestIds = answers.map(({ body }) => Problem.parse(body).requestId);
  const seen = lines.map((line) => JSON.parse(line));
  expect(new Set(requestIds).size).toBe(2);
  for (const [index, jobId] of jobIds.entries()) {
    const own = seen.filter(({ requestId }) => requestId === requestIds[index]);
    expect(own).toMatchObject([
      { message: "looked up", asked: jobId, jobId, tenantId },
      { message: "request failed", jobId, tenantId },
    ]);
  }
});
