import { setTimeout as delay } from "node:timers/promises";
import { BatchGetCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { JobRecord } from "../core/job.ts";
import type { JobFilter, JobStore } from "../core/ports.ts";
import { jobKey, specKey, tenantIndex } from "./dynamo-table.ts";
import { toJobRecord, toJobSpec } from "./job-row.ts";
import { queryIndex } from "./query-index.ts";

type Row = Record<string, unknown>;
type Page = Awaited<ReturnType<JobStore["list"]>>;

/** A filter that hides nearly everything must not make one request read a whole tenant: the caller goes on by cursor. */
const queriesPerPage = 5;
/** Lambda returns at most 6 MB of JSON, in which the page is a string: quotes and backslashes count twice. */
const pageBytes = 2.5 * 1024 * 1024;
/** So often a batch that was answered in part is asked for again: after pauses of 3 s at most in all. */
const batchRounds = 6;
const firstPauseMilliseconds = 25;

/** The tenant's jobs, newest first. Read through the index, then fetched: the index lags, the rows do not. */
export async function listJobs(
  client: DynamoDBDocumentClient,
  tableName: string,
  tenantId: string,
  filter: JobFilter,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<Page> {
  const jobIds: string[] = [];
  let before = page.before;
  let queries = 0;
  const query = tenantQuery(tableName, tenantId, filter, page.before);
  for await (const answer of queryIndex(client, { ...query, Limit: 200 })) {
    const found = (answer.Items ?? []).map((item) => String(item.jobId));
    const taken = found.slice(0, page.limit - jobIds.length);
    jobIds.push(...taken);
    before = taken.length < found.length ? taken.at(-1) : lastKey(answer.LastEvaluatedKey);
    if (++queries === queriesPerPage || jobIds.length === page.limit) break;
  }
  const fetched = await fetchJobs(client, tableName, jobIds);
  const jobs = fetched.filter(({ record }) => matches(record, filter));
  const fitting = withinBytes(jobs);
  return { jobs: fitting, next: fitting.length < jobs.length ? fitting.at(-1)?.record.jobId : before };
}

function lastKey(key: Record<string, unknown> | undefined): string | undefined {
  return key && String(key.jobId);
}

function tenantQuery(tableName: string, tenantId: string, filter: JobFilter, before: string | undefined) {
  const { labels } = filter;
  const conditions = labels.map((_, index) => `#labels.#name${index} = :value${index}`);
  if (filter.status) conditions.push("#status = :status");
  return {
    TableName: tableName,
    IndexName: tenantIndex.name,
    ScanIndexForward: false,
    KeyConditionExpression: `tenantId = :tenantId${before ? " AND jobId < :before" : ""}`,
    ...(conditions.length > 0 && { FilterExpression: conditions.join(" AND ") }),
    ...(conditions.length > 0 && {
      ExpressionAttributeNames: {
        ...(filter.status && { "#status": "status" }),
        ...(labels.length > 0 && { "#labels": "labels" }),
        ...Object.fromEntries(labels.map(([name], index) => [`#name${index}`, name])),
      },
    }),
    ExpressionAttributeValues: {
      ":tenantId": tenantId,
      ...(before && { ":before": before }),
      ...(filter.status && { ":status": filter.status }),
      ...Object.fromEntries(labels.map(([, value], index) => [`:value${index}`, value])),
    },
  };
}

async function fetchJobs(client: DynamoDBDocumentClient, tableName: string, jobIds: string[]): Promise<Page["jobs"]> {
  const keys = jobIds.flatMap((jobId) => [jobKey(jobId), specKey(jobId)]);
  const rows = new Map((await getAll(client, tableName, keys)).map((row) => [`${row.pk}/${row.sk}`, row]));
  return jobIds.flatMap((jobId) => {
    const job = rows.get(`${jobKey(jobId).pk}/JOB`);
    const spec = rows.get(`${jobKey(jobId).pk}/SPEC`);
    return job && spec ? [{ record: toJobRecord(job), spec: toJobSpec(jobId, spec) }] : [];
  });
}

/** DynamoDB answers of a batch what it has room for; the rest is asked for again, each time after a longer pause. */
async function getAll(client: DynamoDBDocumentClient, tableName: string, keys: Row[]): Promise<Row[]> {
  const rows: Row[] = [];
  let missing = keys;
  for (let round = 0; missing.length > 0; round++) {
    if (round > batchRounds) throw new Error(`DynamoDB left ${missing.length} of ${keys.length} rows unanswered.`);
    if (round > 0) await delay(Math.random() * firstPauseMilliseconds * 2 ** round);
    const RequestItems = { [tableName]: { Keys: missing, ConsistentRead: true } };
    const answer = await client.send(new BatchGetCommand({ RequestItems }));
    rows.push(...(answer.Responses?.[tableName] ?? []));
    missing = answer.UnprocessedKeys?.[tableName]?.Keys ?? [];
  }
  return rows;
}

function matches(record: JobRecord, filter: JobFilter): boolean {
  return filter.status === undefined || record.status === filter.status;
}

function withinBytes(jobs: Page["jobs"]): Page["jobs"] {
  let bytes = 0;
  return jobs.filter((job, index) => {
    bytes += Buffer.byteLength(JSON.stringify(job));
    return index === 0 || bytes <= pageBytes;
  });
}
