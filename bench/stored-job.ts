import { ulid } from "ulid";
import type { JobRecord, JobSpec } from "../core/job.ts";
import { acceptedJob } from "../core/lifecycle/accept-job.ts";
import type { EventLog, JobStore } from "../core/ports.ts";

/** What a measurement asks for. */
export const spec: JobSpec = {
  ...{
    provider: "custom",
    mode: "team",
    repo: "octocat/Hello-World",
    repositoryUrl: "https://github.com/octocat/Hello-World",
  },
  ...{ task: "인사말을 추가해줘", labels: { team: "bench" }, metadata: {}, retryOf: null },
  options: { maxMinutes: 60, maxLogBytes: 33_554_432, env: {}, agentCommands: { planner: "true" } },
};

export const eventsPerBatch = 20;

/** Stores a job that runs, but for `changes`, and has this many events, each a line of output; answers its id. */
export async function storeJob(
  ports: { jobs: JobStore; events: EventLog },
  events: number,
  changes: Partial<JobRecord> = {},
): Promise<string> {
  const jobId = ulid();
  const createdAt = new Date().toISOString();
  const accepted = acceptedJob(jobId, "local", spec, createdAt);
  await ports.jobs.create({ ...accepted, status: "running", attempt: 1, startedAt: createdAt, ...changes }, spec);
  for (let first = 1; first <= events; first += eventsPerBatch) {
    const seqs = Array.from({ length: Math.min(eventsPerBatch, events - first + 1) }, (_, index) => first + index);
    const batch = seqs.map((seq) => outputEvent(seq, createdAt));
    await ports.events.put({ jobId, batchId: crypto.randomUUID(), events: batch });
  }
  return jobId;
}

function outputEvent(seq: number, ts: string) {
  const text = `\u001b[32m✓\u001b[0m test/core/lifecycle/claim-job.test.ts (${seq} tests) ${(seq * 7_919) % 10_007} ms\r\n`;
  return { seq, ts, attempt: 1, role: "executor", type: "pane_output", data: { text, offset: seq * 80 } } as const;
}
