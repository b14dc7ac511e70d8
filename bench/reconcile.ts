import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { dynamoEventLog } from "../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../adapters/dynamo-job-store.ts";
import { jobKey, liveIndex, liveKey, liveShardOf } from "../adapters/dynamo-table.ts";
import { dynamoTenantSlots } from "../adapters/dynamo-tenant-slots.ts";
import type { JobRecord } from "../core/job.ts";
import { acceptedJob } from "../core/lifecycle/accept-job.ts";
import type { StartPorts } from "../core/lifecycle/lifecycle-ports.ts";
import { reconcileJobs } from "../core/lifecycle/reconcile-jobs.ts";
import type { RunnerLauncher } from "../core/ports.ts";
import { meterCapacity, startTable, tableName } from "./dynamo.ts";
import { compare, limit, milliseconds, type Report } from "./report.ts";
import { spec } from "./stored-job.ts";

const liveJobs = 1_000;
const endedJobs = 100_000;
const tenants = 20;
const rounds = 7;
/** The most that one BatchWriteItem takes. */
const itemsPerBatch = 25;
const writers = 8;

interface Run {
  readonly milliseconds: number;
  readonly units: number;
  readonly jobs: number;
}

/** Whether looking after the jobs that are live costs more when many others have ended. */
export async function measureReconcile(cleanUp: AsyncDisposableStack): Promise<Report> {
  const { client } = await startTable(cleanUp);
  const meter = meterCapacity(client);
  const ports = startPorts(client);
  await writeRows(client, liveJobs, liveRow);
  const run = async (): Promise<Run> => {
    const [units, beganAt] = [meter.units, performance.now()];
    const { jobs, trouble } = await reconcileJobs(ports);
    if (trouble.length > 0) throw new Error(`${trouble.length} jobs could not be looked after.`);
    return { milliseconds: performance.now() - beganAt, units: meter.units - units, jobs };
  };
  await run();
  const alone = await repeat(run);
  await writeRows(client, endedJobs, endedRow);
  const among = await repeat(run);
  const values = (runs: readonly Run[], of: keyof Run) => runs.map((one) => one[of]);
  const baseline = (of: keyof Run) => ({ values: values(alone, of), of: "before any job had ended" });
  return {
    title: "Reconcile",
    method:
      `One run over ${liveJobs.toLocaleString("en")} running jobs of ${tenants} tenants, with ${endedJobs.toLocaleString("en")} ended ones in the table; ` +
      `${rounds} runs. Units are read and write units together, by DynamoDB's (dynalite's) own account. The launcher is a list in memory.`,
    rows: [
      limit({
        what: "Jobs looked after in one run",
        measured: `${Math.max(...values(among, "jobs"))}`,
        target: `${liveJobs}`,
        met: values(among, "jobs").every((jobs) => jobs === liveJobs),
      }),
      compare(
        "Reconcile: capacity units of one run",
        (units) => `${Math.round(units)}`,
        values(among, "units"),
        baseline("units"),
        { atMost: 1.01 },
      ),
      compare("Reconcile: time of one run", milliseconds, values(among, "milliseconds"), baseline("milliseconds"), {
        atMost: 1.3,
      }),
    ],
    tables: [],
    notes: [],
  };
}

async function repeat(run: () => Promise<Run>): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await run());
  return runs;
}

const farFuture = Date.now() + 3_600_000;

function liveRow(index: number): Record<string, unknown> {
  const job = rowOf(index);
  const owner = `task/${job.jobId}`;
  return {
    ...job,
    ...{ status: "running", attempt: 1, owner, leaseUntil: farFuture, deadlineAt: new Date(farFuture).toISOString() },
    ...{ [liveIndex.partitionKey]: liveShardOf(job.tenantId), [liveIndex.sortKey]: liveKey("active", job.jobId) },
  };
}

/** A settled job has left the live index. */
function endedRow(index: number): Record<string, unknown> {
  return { ...rowOf(index), status: "succeeded", attempt: 1, lastSeq: 9 };
}

function rowOf(index: number): JobRecord & { readonly pk: string; readonly sk: string } {
  const jobId = ulid();
  const job = acceptedJob(jobId, `tenant-${index % tenants}`, spec, new Date().toISOString());
  return { ...jobKey(jobId), ...job };
}

async function writeRows(
  client: DynamoDBDocumentClient,
  count: number,
  rowOf: (index: number) => Record<string, unknown>,
): Promise<void> {
  let next = 0;
  const write = async () => {
    while (next < count) {
      const indexes = Array.from({ length: Math.min(itemsPerBatch, count - next) }, () => next++);
      const puts = indexes.map((index) => ({ PutRequest: { Item: rowOf(index) } }));
      await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

function startPorts(client: DynamoDBDocumentClient): StartPorts {
  const jobs = dynamoJobStore(client, tableName);
  const never = async () => {
    throw new Error("There is nothing to launch.");
  };
  /** Every runner is alive. */
  const launcher: RunnerLauncher = {
    launch: never,
    launchWarm: never,
    stop: never,
    listAlive: async () => [],
    endOf: async () => undefined,
    describe: async (taskIds) => taskIds.map((taskId) => ({ taskId, isAlive: true, launchedAt: new Date() })),
  };
  return {
    jobs,
    events: dynamoEventLog(client, tableName),
    slots: dynamoTenantSlots(client, tableName),
    queue: { send: never, receive: never },
    launcher,
    maximumConcurrentJobs: liveJobs,
    now: () => new Date(),
  };
}
