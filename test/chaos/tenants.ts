import { setTimeout as delay } from "node:timers/promises";
import { isTerminal, type Job } from "../../core/job.ts";
import { JobList } from "../../openapi/routes.ts";

/** Says who asks, where the load is tested. */
export const tenantHeader = "x-tenant";

/** A request of a tenant. */
export interface TenantJob {
  readonly tenantId: string;
  readonly command: string;
}

/** How long requests took, milliseconds. */
export interface RequestTimes {
  readonly submit: readonly number[];
  /** Asked in turns with the others, over the same connections. */
  readonly health: readonly number[];
  /** Answers of 5xx, after which the same request was made again under the same key. */
  readonly failures: number;
}

/** Submits all the jobs over so many connections; each asks for `/healthz` after each of its submissions. */
export async function submitAll(url: string, jobs: readonly TenantJob[], connections: number): Promise<RequestTimes> {
  const times = { submit: [] as number[], health: [] as number[], failures: 0 };
  const left = jobs.values();
  const work = async () => {
    for (const job of left) {
      const key = crypto.randomUUID();
      times.submit.push(
        await timed(async () => {
          while (!(await submit(url, job, key))) times.failures++;
        }),
      );
      times.health.push(await timed(() => health(url)));
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return times;
}

/** `/healthz` alone, over so many connections. */
export async function healthTimes(url: string, requests: number, connections: number): Promise<number[]> {
  const times: number[] = [];
  const work = async () => {
    while (times.length < requests) times.push(await timed(() => health(url)));
  };
  await Promise.all(Array.from({ length: connections }, work));
  return times;
}

async function timed(act: () => Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await act();
  return performance.now() - beganAt;
}

/** False for an answer of 5xx. */
async function submit(url: string, { tenantId, command }: TenantJob, key: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key, [tenantHeader]: tenantId },
    body: JSON.stringify({
      ...{ provider: "custom", mode: "team", repo: "owner/name", task: "Be one of many." },
      options: { keepTmuxSession: false, agentCommands: { planner: "true", executor: "true", verifier: command } },
    }),
  });
  const answer: unknown = await response.json();
  if (response.status < 500 && response.status !== 202) throw new Error(`Not accepted: ${JSON.stringify(answer)}`);
  return response.status === 202;
}

async function health(url: string): Promise<void> {
  const response = await fetch(`${url}/healthz`);
  await response.text();
  if (!response.ok) throw new Error(`/healthz answered ${response.status}.`);
}

/** All jobs of the tenant, once all have ended. */
export async function endedJobs(url: string, tenantId: string): Promise<Job[]> {
  for (;;) {
    const jobs = await jobsOf(url, tenantId);
    if (jobs.every(({ status }) => isTerminal(status))) return jobs;
    await delay(1_000);
  }
}

async function jobsOf(url: string, tenantId: string): Promise<Job[]> {
  const all: Job[] = [];
  for (let cursor = ""; ; ) {
    const response = await fetch(`${url}/v1/jobs?limit=50${cursor}`, { headers: { [tenantHeader]: tenantId } });
    const page = JobList.parse(await response.json());
    all.push(...page.jobs);
    if (page.nextCursor === null) return all;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
