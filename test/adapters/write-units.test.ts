import type { ReturnConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import * as z from "zod";
import { acceptJob } from "../../core/lifecycle/accept-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../core/lifecycle/finish-job.ts";
import { startJob } from "../../core/lifecycle/start-job.ts";
import { reasonOf } from "../../core/reasons.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { testTable } from "../helpers/table.ts";

const table = await testTable();
const life = new Lifecycle(table);

const Consumption = z.object({ ConsumedCapacity: z.object({ CapacityUnits: z.number() }) });

/** Write units of all calls since it was asked last, indexes included. */
const unitsSince = meter();

function meter(): () => number {
  let units = 0;
  const total: ReturnConsumedCapacity = "TOTAL";
  table.client.middlewareStack.add(
    (next, context) => async (parameters) => {
      const isWrite = /^(Put|Update|Delete)Item/.test(context.commandName ?? "");
      if (!isWrite) return next(parameters);
      const answer = await next({ ...parameters, input: { ...parameters.input, ReturnConsumedCapacity: total } });
      units += Consumption.parse(answer.output).ConsumedCapacity.CapacityUnits;
      return answer;
    },
    { step: "initialize" },
  );
  return () => {
    const counted = units;
    units = 0;
    return counted;
  };
}

test("A job's life costs at most 40 write units, events of its work and heartbeats aside", async () => {
  const spec = jobSpec({ task: "웹 요청 기반 실행 파이프라인 설계안과 구현 TODO를 정리해줘" });
  const job = queuedJob({}, spec);
  const reason = reasonOf("stage_failed", "The executor exited with code 1.");
  const costs: Record<string, number> = {};
  const cost = (step: string) => {
    costs[step] = unitsSince();
  };

  await acceptJob(life, job, spec);
  cost("accept");
  await startJob(life, job);
  cost("start");
  const claimed = await claimJob(life, await life.row(job.jobId), { owner: "task/".padEnd(100, "x"), maxMinutes: 60 });
  if (claimed === undefined) throw new Error("not claimed");
  cost("claim");
  await finishJob(life, claimed, { status: "failed", reason });
  cost("finish and settle");

  const total = Object.values(costs).reduce((sum, units) => sum + units, 0);
  expect(total, JSON.stringify(costs)).toBeGreaterThan(5);
  expect(total, JSON.stringify(costs)).toBeLessThanOrEqual(40);
});
