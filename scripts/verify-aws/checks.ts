import { ECSClient, StopTaskCommand } from "@aws-sdk/client-ecs";
import { type Job, JobId } from "../../core/job.ts";
import { attach } from "./attach.ts";
import { type Client, ended, secondsSince } from "./client.ts";
import type { Finding } from "./finding.ts";

const jobCount = 20;
/** Prints at once, and stays until the runner is killed, the job cancelled, the session opened. */
const longCommand = "echo here; sleep 120";
const shortCommand = "echo here; sleep 5";

/** What the service says it does, done by a caller of it; each answer beside what was expected. */
export async function findings(client: Client): Promise<Finding[]> {
  const [killed, cancelled, watched] = [
    await client.submit(longCommand),
    await client.submit(longCommand),
    await client.submit(longCommand),
  ];
  const others: Job[] = [];
  while (others.length < jobCount - 3) others.push(await client.submit(shortCommand));
  const interventions = Promise.all([look(client, watched), cancel(client, cancelled), kill(client, killed)]);
  const found = [...(await interventions).flat(), await allEnd(client, [watched, ...others])];
  const all = [killed, cancelled, watched, ...others];
  return [...found, await waits(client, all), await firstOutput(client, all), await denseEvents(client, all)];
}

function running(client: Client, { jobId }: Job): Promise<string> {
  return client.until(`job ${jobId} prints`, async () => {
    const events = await client.events(jobId);
    const started = events.findLast((event) => event.type === "runner_started");
    return events.some(({ type }) => type === "pane_output") ? started?.data.owner : undefined;
  });
}

async function look(client: Client, job: Job): Promise<Finding[]> {
  await running(client, job);
  return attach(client, job);
}

async function cancel(client: Client, job: Job): Promise<Finding> {
  await running(client, job);
  const beganAt = performance.now();
  await client.post(`/v1/jobs/${job.jobId}/cancel`, {});
  const { status } = await client.until("the cancel is obeyed", () => ended(client, job.jobId));
  const seen = `${status} after ${secondsSince(beganAt)}`;
  return { what: "a job that is cancelled while it runs", seen, isAsExpected: status === "cancelled" };
}

async function kill(client: Client, job: Job): Promise<Finding> {
  const task = await running(client, job);
  const [, cluster] = task.split("/");
  const ecs = new ECSClient({});
  const beganAt = performance.now();
  await ecs.send(new StopTaskCommand({ cluster, task, reason: "verify:aws" })).finally(() => ecs.destroy());
  const next = await client.until("the next attempt runs", async () => {
    const { attempt, status } = await client.job(job.jobId);
    return attempt > 1 && status === "running" ? secondsSince(beganAt) : undefined;
  });
  const { status, attempt } = await client.until("the job ends", () => ended(client, job.jobId));
  const seen = `${status} as attempt ${attempt}, which ran after ${next}`;
  return { what: "a job whose runner is stopped", seen, isAsExpected: status === "succeeded" && attempt === 2 };
}

async function waits(client: Client, jobs: readonly Job[]): Promise<Finding> {
  const events = await Promise.all(jobs.map(({ jobId }) => client.events(jobId)));
  const waited = events.filter((of) => of.some(({ type }) => type === "job_waiting")).length;
  return { what: "jobs that had to wait for the limit", seen: `${waited} of ${jobs.length}`, isAsExpected: waited > 0 };
}

async function allEnd(client: Client, jobs: readonly Job[]): Promise<Finding> {
  const statuses: string[] = [];
  for (const { jobId } of jobs)
    statuses.push((await client.until(`job ${jobId} ends`, () => ended(client, jobId))).status);
  const succeeded = statuses.filter((status) => status === "succeeded").length;
  return {
    what: "the other jobs",
    seen: `${succeeded} of ${jobs.length} succeeded`,
    isAsExpected: succeeded === jobs.length,
  };
}

/** From the acceptance of those that did not wait. */
async function firstOutput(client: Client, jobs: readonly Job[]): Promise<Finding> {
  const events = await Promise.all(jobs.map(({ jobId }) => client.events(jobId)));
  const seconds = events.flatMap((of) => {
    const [queued, output] = ["job_queued", "pane_output"].map((type) => of.find((event) => event.type === type));
    if (queued === undefined || output === undefined || of.some(({ type }) => type === "job_waiting")) return [];
    return [(Date.parse(output.ts) - Date.parse(queued.ts)) / 1_000];
  });
  const [median] = seconds.toSorted((first, second) => first - second).slice(Math.floor(seconds.length / 2));
  return {
    what: "first output after the submission",
    seen: `${median?.toFixed(1)} s (median)`,
    isAsExpected: median !== undefined,
  };
}

async function denseEvents(client: Client, jobs: readonly Job[]): Promise<Finding> {
  const logs = await Promise.all(jobs.map(({ jobId }) => client.events(JobId.parse(jobId))));
  const isWhole = logs.map((events) => {
    const isDense = events.every(({ seq }, index) => seq === index + 1);
    return (
      isDense &&
      events.filter(({ type }) => type === "job_finished").length === 1 &&
      events.at(-1)?.type === "job_finished"
    );
  });
  const whole = isWhole.filter(Boolean).length;
  return {
    what: "logs without a gap, ended once",
    seen: `${whole} of ${jobs.length}`,
    isAsExpected: whole === jobs.length,
  };
}
