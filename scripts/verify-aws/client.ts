import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { hashOfSecret, newPresentedKey } from "../../adapters/key-secret.ts";
import { keyText, Scope } from "../../core/api-key.ts";
import { isTerminal, Job } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { EventPage } from "../../openapi/routes.ts";

/** What is done by a caller of the API, with a key that is valid for two hours. */
export interface Client {
  submit(command: string): Promise<Job>;
  job(jobId: string): Promise<Job>;
  /** All events so far. */
  events(jobId: string): Promise<JobEvent[]>;
  post(path: string, body: object): Promise<{ status: number; body: unknown }>;
  /** Asks until it is so; throws when it is not for too long. */
  until<Answer>(what: string, ask: () => Promise<Answer | undefined>): Promise<Answer>;
}

const askEverySeconds = 2;
/** A job has ten minutes, and Fargate may take one to start it. */
const patienceSeconds = 900;

export async function newKey(tableName: string): Promise<string> {
  const client = dynamoClient();
  const presented = newPresentedKey();
  await dynamoApiKeys(client, tableName).create({
    ...{ keyId: presented.keyId, tenantId: "verify", name: "verify", scopes: Scope.options },
    secretHash: hashOfSecret(presented.secret),
    ...{
      createdAt: new Date().toISOString(),
      validUntil: new Date(Date.now() + 7_200_000).toISOString(),
      disabledAt: null,
    },
  });
  client.destroy();
  return keyText(presented);
}

export function clientOf(apiUrl: string, key: string, repository: string, stopping: AbortSignal): Client {
  async function call(path: string, init: RequestInit = {}) {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(30_000)]);
    const response = await fetch(`${apiUrl}${path}`, { ...init, headers, signal });
    return { status: response.status, body: z.json().parse(await response.json()) };
  }
  const post: Client["post"] = (path, body) => call(path, { method: "POST", body: JSON.stringify(body) });

  return {
    post,
    async submit(command) {
      const agentCommands = { planner: command, executor: "true", verifier: "true" };
      const { status, body } = await post("/v1/jobs", {
        ...{ provider: "custom", mode: "team", repo: repository, task: "Be verified." },
        options: { maxMinutes: 10, keepTmuxSession: false, agentCommands },
      });
      if (status !== 202) throw new Error(`A job was not accepted: ${JSON.stringify(body)}`);
      return Job.parse(body);
    },
    job: async (jobId) => Job.parse((await call(`/v1/jobs/${jobId}`)).body),
    async events(jobId) {
      const events: JobEvent[] = [];
      for (;;) {
        const page = EventPage.parse((await call(`/v1/jobs/${jobId}/events?after=${events.length}`)).body);
        events.push(...page.events);
        if (page.events.length === 0) return events;
      }
    },
    async until(what, ask) {
      const giveUpAt = performance.now() + patienceSeconds * 1_000;
      while (performance.now() < giveUpAt) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        await delay(askEverySeconds * 1_000, undefined, { signal: stopping });
      }
      throw new Error(`It did not happen within ${patienceSeconds / 60} minutes: ${what}.`);
    },
  };
}

/** Undefined until the job has ended. */
export async function ended(client: Client, jobId: string): Promise<Job | undefined> {
  const job = await client.job(jobId);
  return isTerminal(job.status) ? job : undefined;
}

export function secondsSince(moment: number): string {
  return `${((performance.now() - moment) / 1_000).toFixed(0)} s`;
}
