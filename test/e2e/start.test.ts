import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tableDefinition } from "../../adapters/dynamo-table.ts";
import { Job } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { startDynamo } from "../../local/dynamo/dynamo-server.ts";
import { tableName } from "../../local/provision.ts";
import { EventPage } from "../../openapi/routes.ts";
import { type GitHost, makeGitHost } from "../helpers/git-host.ts";
import { processesWith } from "../helpers/processes.ts";
import { everyRole, outputOf } from "../helpers/service.ts";

/** `npm start` as a person runs it: a process of its own. */
const main = fileURLToPath(new URL("../../local/main.ts", import.meta.url));

let root: string;
let gitHost: GitHost;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "omx-start-"));
  await chmod(root, 0o711);
  gitHost = await makeGitHost();
});

afterEach(async () => {
  // Only a test that failed leaves any.
  for (const processId of processesWith(root)) process.kill(processId, "SIGKILL");
  await gitHost[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

interface Started {
  readonly url: string;
  readonly output: () => string;
  /** Ctrl-C, or worse; answers the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | undefined>;
}

function run(environment: Record<string, string>, args: string[] = []) {
  const env = {
    DATA_DIR: join(root, "data"),
    WORK_ROOT: join(root, "work"),
    GIT_BASE_URL: gitHost.baseUrl,
    ...environment,
  };
  return execa(process.execPath, [main, ...args], { env, reject: false, all: true });
}

async function start(environment: Record<string, string> = {}): Promise<Started> {
  const child = run({ PORT: "0", ...environment });
  let output = "";
  const ready = Promise.withResolvers<string>();
  child.all?.on("data", (chunk: Buffer) => {
    output += chunk;
    const url = /^Ready on (\S+)/m.exec(output)?.[1];
    if (url) ready.resolve(url);
  });
  void child.then(() => ready.reject(new Error(`It ended before it was ready:\n${output}`)));
  const url = await ready.promise;
  return {
    url,
    output: () => output,
    stop: async (signal) => {
      child.kill(signal);
      return (await child).exitCode;
    },
  };
}

async function submit(url: string, command: string): Promise<Job> {
  const body = {
    provider: "custom",
    mode: "team",
    repo: "a/b",
    task: "작업",
    options: { agentCommands: everyRole(command) },
  };
  const headers = { "Content-Type": "application/json" };
  return Job.parse(
    await (await fetch(`${url}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(body) })).json(),
  );
}

async function jobOnce(url: string, jobId: string, isIt: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const job = Job.parse(await (await fetch(`${url}/v1/jobs/${jobId}`)).json());
    if (isIt(job)) return job;
  }
}

async function completeEvents(url: string, jobId: string): Promise<JobEvent[]> {
  for (;;) {
    const page = EventPage.parse(await (await fetch(`${url}/v1/jobs/${jobId}/events`)).json());
    if (page.complete) return page.events;
  }
}

test("It says what is emulated, is ready, and Ctrl-C stops everything it started but keeps what agents have made.", async () => {
  await gitHost.add("a/b", { "a.txt": "a" });
  const service = await start();
  expect(service.output()).toContain("not emulated");
  expect(service.output()).toContain("no key is asked for");
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  const { jobId } = await submit(service.url, "true");
  await jobOnce(service.url, jobId, (job) => job.status === "succeeded");
  expect(processesWith(join(root, "work"))).not.toEqual([]); // the kept tmux session
  expect(await service.stop("SIGINT")).toBe(0);
  expect(processesWith(root)).toEqual([]);
  // What the agents have made is the user's.
  expect(await readdir(join(root, "work", jobId))).toEqual(["job", "repo"]);
});

test("Ctrl-C while a job runs ends its processes and hands it back: at the next start it goes on as another attempt.", async () => {
  await gitHost.add("a/b", { "a.txt": "a" });
  const service = await start();
  const { jobId } = await submit(
    service.url,
    `until [ -e ${root}/go ]; do sleep 0.02; done; echo attempt $JOB_ATTEMPT`,
  );
  await jobOnce(service.url, jobId, (job) => job.panes[0]?.status === "running");
  expect(await service.stop("SIGINT")).toBe(0);
  expect(service.output()).toContain("running jobs start anew with the next npm start");
  expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
  await writeFile(join(root, "go"), "");
  const again = await start();
  const events = await completeEvents(again.url, jobId);
  const ended = await jobOnce(again.url, jobId, () => true);
  expect(ended).toMatchObject({ status: "succeeded", attempt: 2, reason: null });
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === "runner_lost")).toMatchObject([
    { attempt: 2, data: { detail: "The runner was told to stop." } },
  ]);
  expect(events.filter(({ type }) => type === "runner_started").map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(outputOf(events, "planner")).toContain("attempt 2");
  expect(outputOf(events, "planner")).not.toContain("attempt 1");
  expect(await again.stop("SIGINT")).toBe(0);
  expect(processesWith(root)).toEqual([]);
});

test("Ctrl-C while jobs wait for their turn loses none of them.", async () => {
  await gitHost.add("a/b", { "a.txt": "a" });
  const service = await start({ MAX_CONCURRENT_JOBS: "1" });
  const running = await submit(service.url, `until [ -e ${root}/go ]; do sleep 0.02; done`);
  const waiting = await submit(service.url, "true");
  await jobOnce(service.url, running.jobId, (job) => job.panes[0]?.status === "running");
  expect(await jobOnce(service.url, waiting.jobId, () => true)).toMatchObject({ waiting: "tenant_limit" });
  expect(await service.stop("SIGINT")).toBe(0);
  await writeFile(join(root, "go"), "");
  const again = await start({ MAX_CONCURRENT_JOBS: "1" });
  for (const { jobId } of [running, waiting]) {
    await completeEvents(again.url, jobId);
    expect((await jobOnce(again.url, jobId, () => true)).status).toBe("succeeded");
  }
  expect(await again.stop("SIGINT")).toBe(0);
});

test("Data of an earlier version is left as it is, and who starts is told so in a sentence.", async () => {
  const directory = join(root, "data", "dynamodb");
  const { GlobalSecondaryIndexes: _, ...earlier } = tableDefinition;
  const keys = earlier.AttributeDefinitions?.filter(({ AttributeName = "" }) => ["pk", "sk"].includes(AttributeName));
  const withTable = async <Answer>(act: (client: DynamoDBClient) => Promise<Answer>) => {
    await using dynamo = await startDynamo({ port: 0, directory });
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new DynamoDBClient({ endpoint: dynamo.endpoint, region: "us-east-1", credentials });
    return await act(client).finally(() => client.destroy());
  };
  await withTable((client) =>
    client.send(new CreateTableCommand({ ...earlier, TableName: tableName, AttributeDefinitions: keys })),
  );
  const result = await run({ PORT: "0" });
  expect(result.exitCode).toBe(1);
  expect(result.all).toMatch(/DATA_DIR holds the data of an earlier version.*Start with another DATA_DIR/);
  expect(result.all).not.toContain("    at ");
  const described = await withTable((client) => client.send(new DescribeTableCommand({ TableName: tableName })));
  expect(described.Table?.GlobalSecondaryIndexes).toBeUndefined();
});

test("After kill -9 the next start has every job and event, and a job that was running goes on.", async () => {
  await gitHost.add("a/b", { "a.txt": "a" });
  const service = await start();
  const done = await submit(service.url, "echo kept");
  const events = await completeEvents(service.url, done.jobId);
  const running = await submit(service.url, `until [ -e ${root}/go ]; do sleep 0.02; done`);
  await jobOnce(service.url, running.jobId, (job) => job.panes[0]?.status === "running");
  await service.stop("SIGKILL");
  const again = await start();
  expect(await completeEvents(again.url, done.jobId)).toEqual(events);
  await writeFile(join(root, "go"), "");
  const seqs = (await completeEvents(again.url, running.jobId)).map((event) => event.seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect((await jobOnce(again.url, running.jobId, () => true)).status).toBe("succeeded");
  expect(await again.stop("SIGINT")).toBe(0);
  expect(processesWith(root)).toEqual([]);
});

test("A second start on the same data says so plainly.", async () => {
  const service = await start();
  const second = await run({ PORT: "0" });
  expect(second.exitCode).toBe(1);
  expect(second.all).toContain(join(root, "data"));
  expect(second.all).not.toContain("    at ");
  await service.stop("SIGINT");
});

test("A port that is in use is named, with what to do.", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const result = await run({ PORT: String(port) });
  other.close();
  expect(result.exitCode).toBe(1);
  expect(result.all).toMatch(new RegExp(`Port ${port} is in use.*PORT=${port + 1} npm start`, "s"));
});

test.each([
  [{ PORT: "eighty" }, [], "PORT"],
  [{ WORK_ROOT: "relative" }, [], "WORK_ROOT"],
  [{ WORK_ROOT: "/dev/null/x" }, [], "WORK_ROOT"],
  [{ DATA_DIR: "/dev/null/x" }, [], "DATA_DIR"],
  [{ GIT_BASE_URL: "github.com" }, [], "GIT_BASE_URL"],
  [{ AUTH: "yes" }, [], "AUTH"],
  [{ AUTH: "keys" }, ["--ephemeral"], "AUTH"],
  [{ JOB_SKIP_GIT_CLONE: "maybe" }, [], "JOB_SKIP_GIT_CLONE"],
  [{ JOB_SILENCE_MINUTES: "0" }, [], "JOB_SILENCE_MINUTES"],
  [{ MAX_CONCURRENT_JOBS: "0" }, [], "MAX_CONCURRENT_JOBS"],
  [{ MAX_QUEUED_JOBS: "many" }, [], "MAX_QUEUED_JOBS"],
  [{}, ["--in-memory"], "--ephemeral"],
])("A setting that makes no sense is refused: %o %o", async (environment, args, named) => {
  const result = await run(environment as Record<string, string>, args);
  expect(result.exitCode).toBe(1);
  expect(result.all).toContain(named);
  expect(result.all).not.toContain("    at ");
});

test.runIf(process.getuid?.() === 0)("Root is told at once when AGENT_USER does not exist.", async () => {
  const result = await run({ AGENT_USER: "no-such-user" });
  expect(result.exitCode).toBe(1);
  expect(result.all).toContain("no-such-user");
});
