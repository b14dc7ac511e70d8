import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as z from "zod";
import { Job } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import type { NewJob } from "../../core/new-job.ts";
import { followEvents } from "../../local/demo/follow-events.ts";
import { readSettings } from "../../local/settings.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { EventPage } from "../../openapi/routes.ts";
import { type GitHost, makeGitHost } from "./git-host.ts";

/** The whole service on loopback with a git host beside it, and what a client does with it. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly stack: Stack;
  readonly gitHost: GitHost;
  readonly workRoot: string;
  readonly log: readonly string[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  submit(job: Partial<z.input<typeof NewJob>>): Promise<Job>;
  job(jobId: string): Promise<Job>;
  /** Every event until the job has ended, by pages. */
  allEvents(jobId: string): Promise<JobEvent[]>;
  /** Follows the job to its end, or to the first event that is looked for. */
  until(jobId: string, isIt: (event: JobEvent) => boolean): Promise<JobEvent>;
  end(jobId: string): Promise<Job>;
}

export async function startService(environment: Record<string, string> = {}): Promise<Service> {
  await using cleanUp = new AsyncDisposableStack();
  const gitHost = cleanUp.use(await makeGitHost());
  const workRoot = await mkdtemp(join(tmpdir(), "omx-e2e-"));
  await chmod(workRoot, 0o711);
  cleanUp.defer(() => rm(workRoot, { recursive: true, force: true }));
  const log: string[] = [];
  const given = { ...process.env, PORT: "0", WORK_ROOT: workRoot, GIT_BASE_URL: gitHost.baseUrl, ...environment };
  const stack = cleanUp.use(await startStack(readSettings(["--ephemeral"], given), (line) => log.push(line)));
  const owned = cleanUp.move();
  return { ...client(stack.url), stack, gitHost, workRoot, log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function client(url: string) {
  const post: Service["post"] = (path, body, headers = {}) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  async function submit(job: Partial<z.input<typeof NewJob>>): Promise<Job> {
    const response = await post("/v1/jobs", { provider: "custom", mode: "team", task: "작업", ...job });
    const body: unknown = await response.json();
    if (response.status !== 202) throw new Error(`Not accepted: ${JSON.stringify(body)}`);
    return Job.parse(body);
  }

  async function job(jobId: string): Promise<Job> {
    return Job.parse(await (await fetch(`${url}/v1/jobs/${jobId}`)).json());
  }

  async function allEvents(jobId: string): Promise<JobEvent[]> {
    const events: JobEvent[] = [];
    for (let after = 0; ; ) {
      const response = await fetch(`${url}/v1/jobs/${jobId}/events?after=${after}`);
      const page = EventPage.parse(await response.json());
      events.push(...page.events);
      after = page.next;
      if (page.complete) return events;
    }
  }

  async function until(jobId: string, isIt: (event: JobEvent) => boolean): Promise<JobEvent> {
    for await (const event of followEvents(`${url}/v1/jobs/${jobId}/events`)) if (isIt(event)) return event;
    throw new Error("The job ended without the event.");
  }

  async function end(jobId: string): Promise<Job> {
    await until(jobId, (event) => event.type === "job_finished");
    return job(jobId);
  }

  return { url, post, submit, job, allEvents, until, end };
}

/** The text that a role's pane has printed. */
export function outputOf(events: readonly JobEvent[], role: string): string {
  return events.map((event) => (event.type === "pane_output" && event.role === role ? event.data.text : "")).join("");
}

/** The same command for every role. */
export function everyRole(command: string) {
  return { planner: command, executor: command, verifier: command };
}
