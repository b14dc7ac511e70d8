import { createHash } from "node:crypto";
import { ulid } from "ulid";
import { expect, test } from "vitest";
import type { JobRecord } from "../../core/job.ts";
import { acceptJob } from "../../core/lifecycle/accept-job.ts";
import { admitJobs } from "../../core/lifecycle/admit-jobs.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { finishJob } from "../../core/lifecycle/finish-job.ts";
import { heartbeatSeconds, leaseSeconds } from "../../core/limits.ts";
import { reasonOf } from "../../core/reasons.ts";
import { verdictOfExit } from "../../core/verdict.ts";
import { claimOf } from "../../runner/heartbeat.ts";
import { callsOf, unitsOf } from "../helpers/calls.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { testTable } from "../helpers/table.ts";

const table = await testTable();
const calls = callsOf(table.client);
const life = new Lifecycle(table);

/** Counts the write units of each step. */
function bill() {
  const costs: Record<string, number> = {};
  calls();
  return {
    costs,
    async step<Answer>(name: string, act: () => Promise<Answer>): Promise<Answer> {
      const answer = await act();
      costs[name] = unitsOf(calls().filter(({ command }) => /^(Put|Update|Delete)Item$/.test(command)));
      return answer;
    },
    total: () => Object.values(costs).reduce((sum, units) => sum + units, 0),
  };
}

const owner = `arn:aws:ecs:ap-northeast-2:123456789012:task/omx-web-production/${"0123456789abcdef".repeat(2)}`;
const spec = jobSpec({
  task: "웹 요청 기반 실행 파이프라인 설계안과 구현 TODO를 정리해줘",
  labels: { team: "플랫폼" },
});

const words = JSON.stringify;

/** A tenant that has slots taken already: its slots' item is in the live index. */
async function tenantAtWork(): Promise<string> {
  const tenantId = ulid();
  await life.slots.take(tenantId, ulid(), life.maximumConcurrentJobs);
  return tenantId;
}

/** A job's whole life, of ten minutes' work, with what each step costs. */
async function livedThrough(job: JobRecord, start: () => Promise<unknown> = () => admitJobs(life, job.tenantId, job)) {
  const { costs, step, total } = bill();
  const { jobId, tenantId } = job;
  await step("remember the request's key", () => {
    const fingerprint = createHash("sha256").update(spec.task).digest("hex");
    const [key, requestId] = [crypto.randomUUID(), crypto.randomUUID()];
    return life.jobs.rememberRequest({ tenantId, key, fingerprint, jobId, requestId });
  });
  await step("accept", () => acceptJob(life, job, spec));
  await step("take a slot and start", start);
  const claimed = await step("claim", async () => claimJob(life, await life.row(jobId), { owner, maxMinutes: 60 }));
  if (claimed === undefined) throw new Error("not claimed");
  await step("heartbeats of ten minutes", async () => {
    for (let seconds = 0; seconds < 600; seconds += heartbeatSeconds) {
      await life.jobs.update(jobId, claimOf(claimed), { leaseUntil: (seconds + leaseSeconds) * 1_000 });
    }
  });
  await step("progress of three stages", async () => {
    for (const stage of ["planner", "executor", "verifier"]) {
      await life.jobs.update(jobId, claimOf(claimed), { stage, tmuxSession: `omx-${jobId}`, panes: claimed.panes });
    }
  });
  const reason = reasonOf("stage_failed", "The executor exited with code 1.");
  const ending = { status: "failed", reason, verdict: verdictOfExit(1) } as const;
  await step("finish, release the slot and settle", () => finishJob(life, claimed, ending));
  expect((await life.row(jobId)).lastSeq).not.toBeNull();
  return { costs, total: total() };
}

test("A job's life of ten minutes costs at most 40 write units, the events of its work aside", async () => {
  const job = queuedJob({ tenantId: await tenantAtWork(), labels: spec.labels }, spec);

  const { costs, total } = await livedThrough(job);

  expect(total, words(costs)).toBeGreaterThan(30);
  expect(total, words(costs)).toBeLessThanOrEqual(40);
});

test("The first job of a tenant that had none costs one unit more: its slots come into the live index", async () => {
  const { total: usual } = await livedThrough(queuedJob({ tenantId: await tenantAtWork() }, spec));

  const { costs, total } = await livedThrough(queuedJob({}, spec));

  expect(total, words(costs)).toBe(usual + 1);
  expect(total, words(costs)).toBeLessThanOrEqual(40);
});

test("A refused write costs one unit, and whoever races for a job makes no more than one", async () => {
  const { jobId } = await life.starting();
  const claim = async (rival: string) => claimJob(life, { jobId, attempt: 1 }, { owner: rival, maxMinutes: 60 });
  await claim("winner");
  const { costs, step } = bill();

  await step("claim of what is claimed", () => claim("late"));
  await step("refused heartbeat", () =>
    life.jobs.update(jobId, { status: ["running"], owner: "late" }, { leaseUntil: 1 }),
  );

  expect(costs).toEqual({ "claim of what is claimed": 0, "refused heartbeat": 1 });
});
