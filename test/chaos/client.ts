import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import { isTerminal, Job } from "../../core/job.ts";
import { JobEvent } from "../../core/job-events.ts";
import type { NewJob } from "../../core/new-job.ts";
import { EventPage, JobList } from "../../openapi/routes.ts";

/** Does what a good client does: what was not answered it asks again, under the same key, until it is answered. */
export interface Client {
  /** Answers the job that was accepted under this key. */
  submit(body: z.input<typeof NewJob>, key: string): Promise<Job>;
  /** Answers whether there was anything left to cancel. */
  cancel(jobId: string): Promise<boolean>;
  /** Undefined: there is no such job. */
  job(jobId: string): Promise<Job | undefined>;
  /** Every job of the tenant. */
  jobs(): Promise<Job[]>;
  /** By pages, to the end of an ended job. */
  events(jobId: string): Promise<JobEvent[]>;
  /** As they come, by server-sent events, from the first to the last, whatever happens to the connection. */
  follow(jobId: string): Promise<JobEvent[]>;
  untilEnded(jobId: string): Promise<void>;
}

const againAfterMilliseconds = 200;

/** Waits and tries again until `signal` is aborted, and then throws. */
export function client(url: string, signal: AbortSignal): Client {
  async function answered(path: string, init: RequestInit = {}): Promise<Response> {
    for (;;) {
      signal.throwIfAborted();
      const response = await fetch(`${url}${path}`, init).catch(() => undefined);
      if (response !== undefined && response.status < 500 && response.status !== 429) return response;
      await response?.body?.cancel();
      await delay(againAfterMilliseconds);
    }
  }

  /** The whole answer, or undefined for "not found"; one that was cut off is asked for again. */
  async function read(path: string): Promise<unknown> {
    for (;;) {
      const response = await answered(path);
      if (response.status === 404) return undefined;
      const body: unknown = await response.json().catch(() => undefined);
      if (body !== undefined) return body;
    }
  }

  async function submit(body: z.input<typeof NewJob>, key: string): Promise<Job> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    for (;;) {
      const response = await answered("/v1/jobs", { method: "POST", headers, body: JSON.stringify(body) });
      const answer: unknown = await response.json().catch(() => undefined);
      if (answer === undefined) continue;
      if (response.status !== 202) throw new Error(`Not accepted: ${JSON.stringify(answer)}`);
      return Job.parse(answer);
    }
  }

  async function cancel(jobId: string): Promise<boolean> {
    const { status } = await answered(`/v1/jobs/${jobId}/cancel`, { method: "POST" });
    if (status !== 202 && status !== 409) throw new Error(`The cancel was answered by ${status}.`);
    return status === 202;
  }

  async function job(jobId: string): Promise<Job | undefined> {
    const answer = await read(`/v1/jobs/${jobId}`);
    return answer === undefined ? undefined : Job.parse(answer);
  }

  async function jobs(): Promise<Job[]> {
    const all: Job[] = [];
    for (let cursor = ""; ; ) {
      const page = JobList.parse(await read(`/v1/jobs?limit=50${cursor}`));
      all.push(...page.jobs);
      if (page.nextCursor === null) return all;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  async function events(jobId: string): Promise<JobEvent[]> {
    const all: JobEvent[] = [];
    for (let after = 0; ; ) {
      const page = EventPage.parse(await read(`/v1/jobs/${jobId}/events?after=${after}`));
      all.push(...page.events);
      if (page.complete) return all;
      if (page.events.length === 0) await delay(againAfterMilliseconds);
      signal.throwIfAborted();
      after = page.next;
    }
  }

  async function follow(jobId: string): Promise<JobEvent[]> {
    const all: JobEvent[] = [];
    while (all.at(-1)?.type !== "job_finished") {
      const headers = { Accept: "text/event-stream", "Last-Event-ID": String(all.at(-1)?.seq ?? 0) };
      const response = await answered(`/v1/jobs/${jobId}/events`, { headers });
      await takeWhole(response, all);
      await delay(againAfterMilliseconds);
    }
    return all;
  }

  async function untilEnded(jobId: string): Promise<void> {
    for (;;) {
      const current = await job(jobId);
      if (current === undefined || isTerminal(current.status)) return;
      await delay(1_000, undefined, { signal });
    }
  }

  return { submit, cancel, job, jobs, events, follow, untilEnded };
}

/** What has come whole when the stream is cut off counts. */
async function takeWhole({ body }: Response, events: JobEvent[]): Promise<void> {
  if (body === null) throw new Error("A stream has no body.");
  try {
    for await (const event of streamed(body)) events.push(event);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function* streamed(body: ReadableStream<Uint8Array>): AsyncIterable<JobEvent> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield JobEvent.parse(JSON.parse(line.slice(6)));
  }
}
