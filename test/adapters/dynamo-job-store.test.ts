import { createHash } from "node:crypto";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { jobKey, requestKey, specKey } from "../../adapters/dynamo-table.ts";
import { defaultRetentionDays, specRetentionDays } from "../../core/limits.ts";
import { tableName } from "../../local/provision.ts";
import { jobStoreContract } from "../contracts/job-store.contract.ts";
import { upTo } from "../helpers/events.ts";
import { jobRequest, jobSpec, queuedJob } from "../helpers/jobs.ts";
import { testTable } from "../helpers/table.ts";

const { client, jobs } = await testTable();

jobStoreContract(jobs);

describe("what is stored", () => {
  const daysLeft = async (Key: ReturnType<typeof jobKey>) => {
    const { Item: item } = await client.send(new GetCommand({ TableName: tableName, Key }));
    return item?.expiresAt === undefined ? undefined : (item.expiresAt - Date.now() / 1_000) / 86_400;
  };

  test("is deleted some time after the job has been settled, and never before", async () => {
    const { jobId } = queuedJob();
    await jobs.create(queuedJob({ jobId }), jobSpec());

    expect(await daysLeft(jobKey(jobId))).toBeUndefined();
    expect(await daysLeft(specKey(jobId))).toBeCloseTo(specRetentionDays, 2);

    await jobs.update(jobId, { status: ["queued"] }, { lastSeq: 2, settled: true });

    expect(await daysLeft(jobKey(jobId))).toBeCloseTo(defaultRetentionDays, 2);
  });

  test("is kept as long as the deployment says, a remembered request too", async () => {
    const week = dynamoJobStore(client, tableName, 7);
    const { jobId, tenantId } = queuedJob();
    await week.create(queuedJob({ jobId }), jobSpec());
    const key = "once";
    await week.rememberRequest({ tenantId, key, fingerprint: "f", jobId, requestId: "r" });

    await week.update(jobId, { status: ["queued"] }, { lastSeq: 2, settled: true });

    expect(await daysLeft(jobKey(jobId))).toBeCloseTo(7, 2);
    expect(await daysLeft(requestKey(tenantId, createHash("sha256").update(key).digest("hex")))).toBeCloseTo(7, 2);
  });

  test("may be the largest request that there is", async () => {
    const spec = jobSpec({
      task: "가".repeat(34_133),
      options: {
        agentCommands: Object.fromEntries(
          ["planner", "executor", "verifier"].map((role) => [role, "가".repeat(16_384)]),
        ),
        env: { A: "x".repeat(32_000) },
      },
      labels: Object.fromEntries(upTo(16).map((number) => [`${number}`.padEnd(63, "x"), "가".repeat(63)])),
      metadata: { a: "x".repeat(16_000) },
      repo: `https://github.com/${"x".repeat(2_000)}`,
    });
    const job = queuedJob({ labels: spec.labels }, spec);

    await jobs.create(job, { ...spec, repositoryUrl: spec.repo });

    expect(await jobs.getSpec(job.jobId)).toEqual({ ...spec, repositoryUrl: spec.repo });
    expect(await jobs.get(job.jobId)).toEqual(job);
  });

  test("may be the shortest time that a job can have", async () => {
    const spec = jobSpec({ ...jobRequest(), options: { maxMinutes: 0.01 } });
    const job = queuedJob({}, spec);

    await jobs.create(job, spec);

    expect((await jobs.getSpec(job.jobId))?.options.maxMinutes).toBe(0.01);
  });
});

test("What keeps the table from answering is passed on: it is no refused condition", async () => {
  const broken = dynamoJobStore(client, "no-such-table");
  const job = queuedJob();

  await expect(broken.create(job, jobSpec())).rejects.toThrow();
  await expect(broken.get(job.jobId)).rejects.toThrow();
  await expect(broken.update(job.jobId, { status: ["queued"] }, { stage: "x" })).rejects.toThrow();
  await expect(Array.fromAsync(broken.listLive("active"))).rejects.toThrow();
});
