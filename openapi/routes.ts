import * as z from "zod";
import { Job, JobId, JobStatus } from "../core/job.ts";
import { JobEvent, JobEventType } from "../core/job-events.ts";
import { defaultEventPage, defaultJobPage, maximumEventPage, maximumJobPage, maximumLabels } from "../core/limits.ts";
import { NewJob } from "../core/new-job.ts";
import { Role } from "../core/roles.ts";
import { Attachment } from "./attachment.ts";
import { one, wholeNumber } from "./query-parameters.ts";
import type { Route } from "./route.ts";

const json = "application/json";
/** Of every route that takes a body. */
const jsonProblems = ["invalid_json", "invalid_request", "unsupported_media_type", "payload_too_large"] as const;
const ofJob = z.strictObject({ jobId: JobId });

/** Answers are made when first used: every function has the whole table, and only the API's description uses them. */
export const JobList = z.lazy(() =>
  z
    .strictObject({
      jobs: z.array(Job),
      nextCursor: z.string().nullable().describe("Pass it as `cursor`, with the same filters; null at the end."),
    })
    .meta({ id: "JobList" }),
);

export const EventPage = z.lazy(() =>
  z
    .strictObject({
      events: z.array(JobEvent),
      next: z.int().describe("Pass it as `after`; it moves on also where a filter hid everything."),
      complete: z.boolean().describe("The job has ended and its last event has been given."),
      pollAfterMs: z.int().describe("How long to wait before asking again."),
    })
    .meta({ id: "EventPage" }),
);

export const routes = {
  createJob: {
    method: "POST",
    path: "/v1/jobs",
    summary: "Submit a job",
    scope: "jobs:write",
    description:
      "Accepts the job once it is stored; it then starts by itself. With an `Idempotency-Key` header a repeated request " +
      "gets the first answer again, with `Idempotent-Replay: true`.",
    body: NewJob,
    idempotent: true,
    success: { status: 202, contentType: json, body: Job },
    problems: [...jsonProblems, "idempotency_key_reused", "quota_exceeded"],
  },
  listJobs: {
    method: "GET",
    path: "/v1/jobs",
    summary: "List jobs, newest first",
    scope: "jobs:read",
    query: z.strictObject({
      status: one(JobStatus).optional(),
      label: z
        .array(z.string().regex(/^[^:]+:.*$/, "name:value"))
        .max(maximumLabels)
        .optional()
        .describe("name:value; may be repeated, all must match."),
      limit: wholeNumber(1, maximumJobPage, defaultJobPage),
      cursor: one(z.string()).optional(),
    }),
    success: { status: 200, contentType: json, body: JobList },
    problems: ["invalid_request", "invalid_cursor"],
  },
  getJob: {
    method: "GET",
    path: "/v1/jobs/{jobId}",
    summary: "Read one job",
    scope: "jobs:read",
    params: ofJob,
    success: { status: 200, contentType: json, body: Job },
    problems: ["not_found"],
  },
  listJobEvents: {
    method: "GET",
    path: "/v1/jobs/{jobId}/events",
    summary: "Read a job's events, as a page or as a stream",
    scope: "jobs:read",
    description:
      "A JSON page; or server-sent events when `Accept` asks for `text/event-stream`: the id of each is its seq, " +
      "`Last-Event-ID` resumes, and the stream ends itself after two minutes for the client to resume.",
    streams: true,
    params: ofJob,
    query: z.strictObject({
      after: wholeNumber(0, 999_999_999, 0).describe("The last seq that you have; 0 at first."),
      limit: wholeNumber(1, maximumEventPage, defaultEventPage),
      types: one(
        z
          .string()
          .transform((text) => text.split(","))
          .pipe(z.array(JobEventType)),
      )
        .optional()
        .describe("Only these types, separated by commas."),
      role: one(Role).optional(),
    }),
    success: { status: 200, contentType: json, body: EventPage },
    problems: ["invalid_request", "not_found"],
  },
  cancelJob: {
    method: "POST",
    path: "/v1/jobs/{jobId}/cancel",
    summary: "Cancel a job",
    scope: "jobs:write",
    description:
      "Ends the job's whole process tree, within seconds where it runs. Cancelling twice is the same as once.",
    params: ofJob,
    idempotent: true,
    success: { status: 202, contentType: json, body: Job },
    problems: ["invalid_request", "not_found", "already_ended", "idempotency_key_reused"],
  },
  attachJob: {
    method: "POST",
    path: "/v1/jobs/{jobId}/attach",
    summary: "Get a way into a running job's session",
    scope: "jobs:write",
    description:
      "For people without rights in the AWS account. Good for one connection, made at once. Each is an event of the job.",
    params: ofJob,
    body: z.strictObject({ write: z.boolean().default(false).describe("Type into the panes; else only look.") }),
    success: { status: 200, contentType: json, body: Attachment },
    problems: [...jsonProblems, "not_found", "already_ended", "no_session", "attach_unavailable"],
  },
  retryJob: {
    method: "POST",
    path: "/v1/jobs/{jobId}/retry",
    summary: "Submit an ended job again",
    scope: "jobs:write",
    description: "A new job with the same content, linked to the old one by `retryOf`.",
    params: ofJob,
    idempotent: true,
    success: { status: 202, contentType: json, body: Job },
    problems: ["invalid_request", "not_found", "not_ended", "idempotency_key_reused", "quota_exceeded"],
  },
  getHealth: {
    method: "GET",
    path: "/healthz",
    summary: "Tell that the API answers",
    public: true,
    success: {
      status: 200,
      contentType: json,
      body: z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" }),
    },
    problems: [],
  },
  getOpenapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description of the API",
    public: true,
    success: { status: 200, contentType: json, body: z.looseObject({ openapi: z.string() }).meta({ id: "OpenApi" }) },
    problems: [],
  },
  getDocs: {
    method: "GET",
    path: "/docs",
    summary: "The API's documentation, for people",
    public: true,
    success: { status: 200, contentType: "text/html", body: z.string() },
    problems: [],
  },
  getDocsAsset: {
    method: "GET",
    path: "/docs/{file}",
    summary: "A script or style sheet of the documentation",
    public: true,
    params: z.strictObject({ file: z.string() }),
    success: { status: 200, contentType: "text/plain", body: z.string() },
    problems: ["not_found"],
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
export const routeNames = Object.keys(routes) as RouteName[];

type Parsed<Name extends RouteName, Part extends "params" | "query" | "body"> =
  (typeof routes)[Name] extends Record<Part, infer Schema extends z.ZodType> ? z.infer<Schema> : undefined;

/** A request whose parts have been parsed by the route's schemas. */
export interface ApiRequest<Name extends RouteName> {
  readonly tenantId: string;
  readonly params: Parsed<Name, "params">;
  readonly query: Parsed<Name, "query">;
  readonly body: Parsed<Name, "body">;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/** What a route answers when all goes well. */
export interface ApiReply<Name extends RouteName> {
  readonly body: z.infer<(typeof routes)[Name]["success"]["body"]>;
  readonly headers?: Readonly<Record<string, string>>;
}
