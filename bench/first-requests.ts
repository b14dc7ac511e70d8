import { dynamoApiKeys } from "../adapters/dynamo-api-keys.ts";
import { hashOfSecret, newPresentedKey } from "../adapters/key-secret.ts";
import { keyText, Scope } from "../core/api-key.ts";
import type { Route } from "../openapi/route.ts";
import { routes } from "../openapi/routes.ts";
import type { ApiEmulators } from "./api-emulators.ts";
import { tableName } from "./dynamo.ts";
import type { FunctionName } from "./function-bundles.ts";
import { spec, storeJob } from "./stored-job.ts";

const storedEvents = 100;
/** A page of a list. */
const storedJobs = 20;

/** What a function's first invocation is given: for each a job of its own, where it changes one. */
export type FirstRequests = Readonly<Record<FunctionName, () => Promise<unknown>>>;

/** Stores what the requests ask for. */
export async function firstRequests(emulators: ApiEmulators): Promise<FirstRequests> {
  for (let stored = 1; stored < storedJobs; stored++) await storeJob(emulators, 0);
  const jobId = await storeJob(emulators, storedEvents);
  const key = await storeKey(emulators);
  const ended = { status: "failed", endedAt: new Date().toISOString() } as const;
  const { repositoryUrl, retryOf, ...newJob } = spec;
  return {
    createJob: async () => apiEvent("createJob", {}, newJob),
    listJobs: async () => apiEvent("listJobs"),
    getJob: async () => apiEvent("getJob", { jobId }),
    listJobEvents: async () => {
      const limit = String(storedEvents);
      const event = apiEvent("listJobEvents", { jobId });
      return { ...event, queryStringParameters: { limit }, multiValueQueryStringParameters: { limit: [limit] } };
    },
    cancelJob: async () => apiEvent("cancelJob", { jobId: await storeJob(emulators, 0) }),
    attachJob: async () => {
      const attachable = await storeJob(emulators, 1, { owner: "bench", tmuxSession: "bench" });
      return apiEvent("attachJob", { jobId: attachable }, { write: false });
    },
    retryJob: async () => apiEvent("retryJob", { jobId: await storeJob(emulators, 0, ended) }),
    getHealth: async () => apiEvent("getHealth"),
    getOpenapi: async () => apiEvent("getOpenapi"),
    getDocs: async () => apiEvent("getDocs"),
    getDocsAsset: async () => apiEvent("getDocsAsset", { file: "start.js" }),
    authorizer: async () => ({
      methodArn: "arn:aws:execute-api:us-east-1:000000000000:bench/v1/GET/v1/jobs",
      headers: { Authorization: `Bearer ${key}` },
      requestContext: { requestId: "bench" },
    }),
    reconcile: async () => ({ source: "aws.events" }),
  };
}

/** As API Gateway makes it, but for what neither side reads. */
function apiEvent(name: keyof typeof routes, params: Readonly<Record<string, string>> = {}, body?: unknown) {
  const route: Route = routes[name];
  return {
    path: route.path.replace(/\{(\w+)\}/, (_, parameter: string) => params[parameter] ?? ""),
    httpMethod: route.method,
    headers: { "Content-Type": "application/json" },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: params,
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: { requestId: "bench", authorizer: { tenantId: "local", scopes: Scope.options.join(" ") } },
  };
}

async function storeKey({ client }: ApiEmulators): Promise<string> {
  const presented = newPresentedKey();
  await dynamoApiKeys(client, tableName).create({
    ...{ keyId: presented.keyId, tenantId: "local", name: "bench", scopes: Scope.options },
    ...{ secretHash: hashOfSecret(presented.secret), createdAt: new Date().toISOString() },
    ...{ validUntil: null, disabledAt: null },
  });
  return keyText(presented);
}
