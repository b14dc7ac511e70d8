import { isTerminal, type JobRecord } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { maximumEventPageBytes } from "../../core/limits.ts";
import type { EventLog, JobStore } from "../../core/ports.ts";
import type { ApiRequest } from "../../openapi/routes.ts";
import { eventStream } from "../event-stream.ts";
import { type StreamingAnswer, streamingLambdaFor } from "../http.ts";
import { ownRecord } from "../own-job.ts";
import { ProblemError } from "../problem-error.ts";
import { eventLog, jobStore } from "../wiring.ts";

interface EventPorts {
  readonly jobs: JobStore;
  readonly events: EventLog;
}

export function listJobEvents(ports: EventPorts): StreamingAnswer<"listJobEvents"> {
  return (request) => {
    const wantsStream = /\btext\/event-stream\b/i.test(request.headers.accept ?? "");
    return wantsStream ? streamOfEvents(ports, request) : pageOfEvents(ports, request);
  };
}

async function pageOfEvents(ports: EventPorts, { tenantId, params, query }: ApiRequest<"listJobEvents">) {
  const limits = { events: query.limit, bytes: maximumEventPageBytes };
  const [record, read] = await Promise.all([
    ownRecord(ports.jobs, tenantId, params.jobId),
    ports.events.read(params.jobId, query.after, limits),
  ]);
  const next = read.at(-1)?.seq ?? query.after;
  const complete = record.lastSeq !== null && next >= record.lastSeq;
  const events = read.filter((event) => isWanted(event, query));
  return { body: { events, next, complete, pollAfterMs: pollAfterMilliseconds(record, complete, read.length) } };
}

/** A reader that is behind may go on at once; a job that has not begun has little to tell. */
function pollAfterMilliseconds(record: JobRecord, complete: boolean, eventsRead: number): number {
  if (complete || eventsRead > 0) return 0;
  return record.status === "running" || isTerminal(record.status) ? 1_000 : 2_000;
}

async function streamOfEvents(ports: EventPorts, { tenantId, params, query, headers }: ApiRequest<"listJobEvents">) {
  const { jobId } = params;
  const after = lastEventId(headers) ?? query.after;
  const record = await ownRecord(ports.jobs, tenantId, jobId);
  // To an EventSource, 204 means: do not connect again.
  if (record.lastSeq !== null && after >= record.lastSeq) return { status: 204, headers: {}, stream: nothing() };
  const stream = eventStream(ports.events, jobId, after, (event) => isWanted(event, query));
  return { status: 200, headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" }, stream };
}

async function* nothing(): AsyncIterable<string> {}

function lastEventId(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers["last-event-id"];
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new ProblemError("invalid_request", "Last-Event-ID must be the seq of an event.");
  return Number(text);
}

function isWanted(event: JobEvent, query: ApiRequest<"listJobEvents">["query"]): boolean {
  const { types, role } = query;
  return (types === undefined || types.includes(event.type)) && (role === undefined || event.role === role);
}

export const handler = streamingLambdaFor("listJobEvents", () =>
  listJobEvents({ jobs: jobStore(), events: eventLog() }),
);
