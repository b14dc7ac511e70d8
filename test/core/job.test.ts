import { describe, expect, test } from "vitest";
import { isTerminal, Job, JobId, JobRecord, JobStatus, statusesBefore, toJob, transitions } from "../../core/job.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

/** Every pair that may follow one another; all others may not. */
const allowed = new Set([
  "queued → starting",
  "queued → failed",
  "queued → cancelled",
  "starting → starting",
  "starting → running",
  "starting → failed",
  "starting → cancelled",
  "running → starting",
  "running → succeeded",
  "running → failed",
  "running → cancelled",
  "running → timed_out",
]);
const pairs = JobStatus.options.flatMap((from) => JobStatus.options.map((to) => [from, to] as const));

describe("the state machine", () => {
  test.each(pairs)("from %s to %s: as the table of allowed pairs says", (from, to) => {
    const isAllowed = allowed.has(`${from} → ${to}`);

    expect(transitions[from].includes(to)).toBe(isAllowed);
    expect(statusesBefore(to).includes(from)).toBe(isAllowed);
  });

  test("ends in exactly four statuses, which absorb", () => {
    const terminal = JobStatus.options.filter(isTerminal);

    expect(terminal).toEqual(["succeeded", "failed", "cancelled", "timed_out"]);
    expect(terminal.flatMap((status) => transitions[status])).toEqual([]);
  });

  test("leads from every status that is not terminal to an end", () => {
    const leadsToAnEnd = (status: JobStatus) => transitions[status].some(isTerminal);

    expect(JobStatus.options.filter((status) => !isTerminal(status)).every(leadsToAnEnd)).toBe(true);
  });
});

describe("a job id", () => {
  test.each(["01KB3Q9M6Y8Z4V5N7T2R1C0D9E", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"])("is a ULID: %s", (id) => {
    expect(JobId.safeParse(id).success).toBe(true);
  });

  test.each([
    ["too short", "01KB3Q9M6Y8Z4V5N7T2R1C0D9"],
    ["too long", "01KB3Q9M6Y8Z4V5N7T2R1C0D9EX"],
    ["in lower case", "01kb3q9m6y8z4v5n7t2r1c0d9e"],
    ["with a letter that ULIDs leave out", "01KB3Q9M6Y8Z4V5N7T2R1C0D9U"],
    ["beyond the largest time", "81KB3Q9M6Y8Z4V5N7T2R1C0D9E"],
    ["with a line break after it", "01KB3Q9M6Y8Z4V5N7T2R1C0D9E\n"],
    ["empty", ""],
  ])("is not one when it is %s", (_how, id) => {
    expect(JobId.safeParse(id).success).toBe(false);
  });
});

describe("the job that the API shows", () => {
  const verdict = { schema: 1, verdict: "pass", summary: "ok" } as const;

  test("is what its schema says, for a job that has just been accepted", () => {
    const spec = jobSpec({ labels: { team: "a" }, metadata: { ticket: "7" } });
    const job = toJob(queuedJob({ labels: spec.labels }, spec), spec);

    expect(Job.parse(job)).toEqual(job);
    expect(job).toMatchObject({
      status: "queued",
      ref: null,
      labels: { team: "a" },
      metadata: { ticket: "7" },
      panes: [
        { role: "planner", status: "waiting", exitCode: null },
        { role: "executor", status: "waiting", exitCode: null },
        { role: "verifier", status: "waiting", exitCode: null },
      ],
      links: { self: `/v1/jobs/${job.jobId}`, events: `/v1/jobs/${job.jobId}/events` },
    });
  });

  test("says what an accepted job waits for, and which job it repeats", () => {
    const retryOf = "01KB3Q9M6Y8Z4V5N7T2R1C0D9E";
    const spec = { ...jobSpec(), retryOf };

    const job = toJob(queuedJob({ waiting: "tenant_limit" }, spec), spec);

    expect(Job.parse(job)).toMatchObject({ waiting: "tenant_limit", retryOf });
  });

  test("shows nothing of the tenant, the owner, the lease or the commands", () => {
    const spec = jobSpec({ options: { agentCommands: { planner: "secret-command" }, env: { TOKEN: "secret-value" } } });
    const job = toJob(queuedJob({ owner: "secret-owner", tenantId: "secret-tenant", leaseUntil: 123_456 }, spec), spec);

    expect(JSON.stringify(job)).not.toMatch(/secret|123456/);
  });

  test.each([
    ["null while it runs, whatever has been found", "running", verdict, null],
    ["true when it ended with a passing verdict", "succeeded", verdict, true],
    ["false when it ended with a failing one", "failed", { ...verdict, verdict: "fail" }, false],
    ["false when it ended without a verdict", "succeeded", null, false],
    ["false when it was cancelled", "cancelled", null, false],
  ] as const)("has `verified` %s", (_how, status, found, verified) => {
    expect(toJob(queuedJob({ status, verdict: found }), jobSpec()).verified).toBe(verified);
  });
});

test("A stored row keeps its attributes, and what else the store holds beside them is left out", () => {
  const record = queuedJob();

  expect(JobRecord.parse({ ...record, pk: "JOB#1", expiresAt: 1 })).toEqual(record);
});

test.each([0, 2, undefined])(
  "A row of another version than this code writes is not read as one of its own: %s",
  (schema) => {
    expect(JobRecord.safeParse({ ...queuedJob(), schema }).success).toBe(false);
  },
);
