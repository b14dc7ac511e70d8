import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import type { ApiKey } from "../../../core/api-key.ts";
import { Job } from "../../../core/job.ts";
import type { JobEvent } from "../../../core/job-events.ts";
import type { NewJob } from "../../../core/new-job.ts";
import { EventPage } from "../../../openapi/routes.ts";
import type { Deployment } from "./deployment.ts";

export type NewApiKey = Pick<ApiKey, "tenantId"> & Partial<ApiKey>;

/** A tenant of its own, so that no test sees another's jobs or waits for them, and what it does with a key. */
export interface Tenant {
  readonly tenantId: string;
  readonly authorization: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body?: unknown): Promise<Response>;
  /** As `post` of a job, by which every role runs `command` unless it is given one of its own. */
  trySubmit(command: string | Commands, job?: Partial<z.input<typeof NewJob>>): Promise<Response>;
  submit(command: string | Commands, job?: Partial<z.input<typeof NewJob>>): Promise<Job>;
  job(jobId: string): Promise<Job>;
  events(jobId: string): AsyncIterable<JobEvent>;
  /** The first event that is looked for. */
  until(jobId: string, isIt: (event: JobEvent) => boolean): Promise<JobEvent>;
  /** The job once it has ended. */
  end(jobId: string): Promise<Job>;
}

export interface Commands {
  readonly planner: string;
  readonly executor: string;
  readonly verifier: string;
}

export function everyRole(command: string): Commands {
  return { planner: command, executor: command, verifier: command };
}

let tenants = 0;

export async function newTenant(deployment: Deployment, name: string): Promise<Tenant> {
  tenants += 1;
  // The clock's time, for a deployment that has seen the suite before.
  const tenantId = `${name}-${Date.now().toString(36)}-${tenants}`;
  return tenantOf(deployment, tenantId, await deployment.makeKey({ tenantId }));
}

function tenantOf({ url, repository }: Deployment, tenantId: string, authorization: string): Tenant {
  const get: Tenant["get"] = (path, headers = {}) =>
    fetch(`${url}${path}`, { headers: { Authorization: authorization, ...headers } });

  const post: Tenant["post"] = (path, body = {}) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { Authorization: authorization, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  const trySubmit: Tenant["trySubmit"] = (command, job = {}) => {
    const agentCommands = typeof command === "string" ? everyRole(command) : command;
    const options = { keepTmuxSession: false, agentCommands };
    return post("/v1/jobs", { provider: "custom", mode: "team", repo: repository, task: "작업", options, ...job });
  };

  async function submit(...job: Parameters<Tenant["trySubmit"]>): Promise<Job> {
    const response = await trySubmit(...job);
    const body: unknown = await response.json();
    if (response.status !== 202) throw new Error(`Not accepted: ${JSON.stringify(body)}`);
    return Job.parse(body);
  }

  async function* events(jobId: string): AsyncIterable<JobEvent> {
    for (let after = 0; ; ) {
      const page = EventPage.parse(await (await get(`/v1/jobs/${jobId}/events?after=${after}`)).json());
      yield* page.events;
      if (page.complete) return;
      after = page.next;
      await delay(page.pollAfterMs);
    }
  }

  async function until(jobId: string, isIt: (event: JobEvent) => boolean): Promise<JobEvent> {
    for await (const event of events(jobId)) if (isIt(event)) return event;
    throw new Error("The job ended without the event.");
  }

  const job = async (jobId: string) => Job.parse(await (await get(`/v1/jobs/${jobId}`)).json());

  async function end(jobId: string): Promise<Job> {
    await until(jobId, ({ type }) => type === "job_finished");
    return job(jobId);
  }

  return { tenantId, authorization, get, post, trySubmit, submit, job, events, until, end };
}
