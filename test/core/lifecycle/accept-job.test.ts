import { expect, test } from "vitest";
import { acceptJob } from "../../../core/lifecycle/accept-job.ts";
import { jobSpec, queuedJob } from "../../helpers/jobs.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";
import { testTable } from "../../helpers/table.ts";

const life = new Lifecycle(await testTable());

test("An accepted job is queued, live, and has said so in its first event", async () => {
  const spec = jobSpec({ provider: "codex", mode: "swarm", ref: "main", labels: { team: "a" } });
  const job = queuedJob({ labels: spec.labels }, spec);

  await acceptJob(life, job, spec);

  expect(await life.row(job.jobId)).toEqual(job);
  expect(await life.jobs.getSpec(job.jobId)).toEqual(spec);
  expect(await life.isLive(job.jobId)).toBe(true);
  expect(await life.history(job.jobId)).toEqual([
    {
      seq: 1,
      ts: job.createdAt,
      type: "job_queued",
      attempt: 0,
      data: { provider: "codex", mode: "swarm", repo: "owner/name", ref: "main" },
    },
  ]);
});

test("Accepting again changes nothing, also when the job has begun meanwhile", async () => {
  const job = await life.accepted();
  await life.jobs.update(job.jobId, { status: ["queued"] }, { status: "starting", attempt: 1 });

  await acceptJob(life, { ...job, createdAt: "2026-11-22T10:00:01.000Z" }, jobSpec());

  expect(await life.row(job.jobId)).toEqual({ ...job, status: "starting", attempt: 1 });
  expect(await life.history(job.jobId)).toHaveLength(1);
});

test("A crash before the row leaves no job, and accepting again makes it whole", async () => {
  const [job, spec] = [queuedJob(), jobSpec()];
  const crashing = {
    ...life,
    events: life.events,
    jobs: { ...life.jobs, create: () => Promise.reject(new Error("crash")) },
  };
  await expect(acceptJob(crashing, job, spec)).rejects.toThrow("crash");
  expect(await life.jobs.get(job.jobId)).toBeUndefined();

  await acceptJob(life, job, spec);

  expect(await life.row(job.jobId)).toEqual(job);
  expect(await life.history(job.jobId)).toHaveLength(1);
});
