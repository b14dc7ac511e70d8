import type * as z from "zod";
import { Job } from "../core/job.ts";
import type { JobEvent } from "../core/job-events.ts";
import type { NewJob } from "../core/new-job.ts";
import { makeGitHost } from "../local/demo/demo-repository.ts";
import { followEvents } from "../local/demo/follow-events.ts";
import { readSettings } from "../local/settings.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { temporaryDirectory } from "./directories.ts";

/** The embedded stack in this process, with a git host that has `demo/greeter`. */
export interface Service {
  readonly url: string;
  readonly stack: Stack;
  readonly gitBaseUrl: string;
  /** Submits a job whose planner runs the command; the other roles have nothing to do. */
  submit(command: string, options?: z.input<typeof NewJob>["options"]): Promise<Job>;
  /** Every event of the job, once it has ended. */
  events(job: Job): Promise<JobEvent[]>;
}

export async function startService(cleanUp: AsyncDisposableStack): Promise<Service> {
  const gitHost = cleanUp.use(await makeGitHost());
  const workRoot = await temporaryDirectory(cleanUp);
  const settings = { ...readSettings(["--ephemeral"]), port: 0, workRoot, gitBaseUrl: gitHost.baseUrl, runner: {} };
  const stack = cleanUp.use(await startStack(settings, showTrouble));
  return {
    url: stack.url,
    stack,
    gitBaseUrl: gitHost.baseUrl,
    async submit(command, options = {}) {
      const agentCommands = { planner: command, executor: "true", verifier: "true" };
      const response = await fetch(`${stack.url}/v1/jobs`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          ...{ provider: "custom", mode: "team", repo: "demo/greeter", task: "Be measured." },
          options: { ...options, keepTmuxSession: false, agentCommands },
        }),
      });
      return Job.parse(await response.json());
    },
    async events(job) {
      return Array.fromAsync(followEvents(`${stack.url}${job.links.events}`));
    },
  };
}

function showTrouble(line: string): void {
  if (!line.includes('"level":"INFO"')) console.error(line);
}
