import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Job } from "../../core/job.ts";
import { openKeyTable } from "../../keys/key-table.ts";
import { Problem } from "../../openapi/problem.ts";
import { EventPage } from "../../openapi/routes.ts";
import { testKey } from "../helpers/api-keys.ts";
import { type GitHost, makeGitHost } from "../helpers/git-host.ts";
import { everyRole } from "../helpers/service.ts";

/** `AUTH=keys npm start` and `npm run keys` as a person runs them: each a process of its own. */
const script = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let root: string;
let gitHost: GitHost;
let service: ReturnType<typeof start>;
let url = "";
let output = "";

function start(environment: Record<string, string>) {
  return execa(process.execPath, [script("local/main.ts")], { env: environment, reject: false, all: true });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "omx-keys-e2e-"));
  await chmod(root, 0o711);
  gitHost = await makeGitHost();
  await gitHost.add("a/b", { "a.txt": "a" });
  const folders = { DATA_DIR: join(root, "data"), WORK_ROOT: join(root, "work") };
  service = start({ ...folders, AUTH: "keys", PORT: "0", GIT_BASE_URL: gitHost.baseUrl });
  const ready = Promise.withResolvers<string>();
  service.all.on("data", (chunk: Buffer) => {
    output += chunk;
    const found = /^Ready on (\S+)/m.exec(output)?.[1];
    if (found) ready.resolve(found);
  });
  void service.then(() => ready.reject(new Error(`It ended before it was ready:\n${output}`)));
  url = await ready.promise;
});

afterAll(async () => {
  service.kill("SIGINT");
  await service;
  await gitHost[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const keys = (line: string) =>
  execa(process.execPath, [script("keys/main.ts"), ...line.split(" "), "--data-dir", join(root, "data")]);

async function createKey(options: string): Promise<string> {
  return `Bearer ${(await keys(`create ${options}`)).stdout}`;
}

function call(path: string, authorization?: string, body?: object): Promise<Response> {
  const headers = {
    ...(authorization !== undefined && { Authorization: authorization }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
  };
  return fetch(
    `${url}${path}`,
    body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) },
  );
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return Problem.parse(await response.json());
}

const job = {
  ...{ provider: "custom", mode: "team", repo: "a/b", task: "작업" },
  options: { agentCommands: everyRole("echo done"), keepTmuxSession: false },
};

async function endOf(jobId: string, authorization: string): Promise<Job> {
  for (;;) {
    const page = EventPage.parse(await (await call(`/v1/jobs/${jobId}/events`, authorization)).json());
    if (page.complete) return Job.parse(await (await call(`/v1/jobs/${jobId}`, authorization)).json());
  }
}

test("The start says that keys are asked for, and how to make one", () => {
  expect(output).toContain("to keys alone");
  expect(output).toContain("npm run -s keys -- create --tenant local --data-dir");
  expect(output).toContain('-H "Authorization: Bearer $OMX_KEY"');
});

test("A key made on the command line submits a job, reads it and streams its events, and nobody else's key sees it", async () => {
  const [mine, others] = await Promise.all([createKey("--tenant acme"), createKey("--tenant other")]);

  const { jobId, links } = Job.parse(await (await call("/v1/jobs", mine, job)).json());

  expect(await endOf(jobId, mine)).toMatchObject({ status: "succeeded" });
  const stream = await fetch(`${url}${links.events}`, {
    headers: { Authorization: mine, Accept: "text/event-stream" },
  });
  expect(await stream.text()).toContain("job_finished");
  for (const path of [`/v1/jobs/${jobId}`, `/v1/jobs/${jobId}/events`]) {
    const refused = await call(path, others);
    expect(refused.status).toBe(404);
    expect(await problemOf(refused)).toMatchObject({ code: "not_found" });
  }
  expect((await call(`/v1/jobs/${jobId}/cancel`, others, {})).status).toBe(404);
  expect((await call(`/v1/jobs/${jobId}/retry`, others, {})).status).toBe(404);
  expect(await (await call("/v1/jobs", others)).json()).toMatchObject({ jobs: [] });
  expect(await (await call("/v1/jobs", mine)).json()).toMatchObject({ jobs: [{ jobId }] });
});

test("A key that may only read is told so where it writes", async () => {
  const reader = await createKey("--tenant acme --scopes jobs:read");

  const refused = await call("/v1/jobs", reader, job);

  expect(refused.status).toBe(403);
  expect(await problemOf(refused)).toMatchObject({
    code: "forbidden",
    detail: expect.stringContaining("jobs:write"),
    instance: "/v1/jobs",
  });
  expect((await call("/v1/jobs", reader)).status).toBe(200);
});

test("A key that may only write does not read", async () => {
  const writer = await createKey("--tenant writers --scopes jobs:write");

  expect((await call("/v1/jobs", writer)).status).toBe(403);
  expect((await call("/v1/jobs", writer, job)).status).toBe(202);
});

describe("401, with what to do about it, is the answer", () => {
  async function refused(authorization?: string) {
    const response = await call("/v1/jobs", authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await problemOf(response)).toMatchObject({
      code: "unauthorized",
      detail: expect.stringMatching(/Authorization: Bearer omx_.*npm run keys/),
    });
  }

  test("to a request without a key, on every route that is not public", async () => {
    await refused();
    for (const path of ["/v1/jobs/01KB3Q9M6Y8Z4V5N7T2R1C0D9E", "/v1/jobs/01KB3Q9M6Y8Z4V5N7T2R1C0D9E/events"])
      expect((await call(path)).status).toBe(401);
    expect((await call("/v1/jobs", undefined, job)).status).toBe(401);
  });

  test("to what is no key, and to a key that nobody has made", async () => {
    await refused("Basic dXNlcjpwYXNz");
    await refused("Bearer omx_");
    await refused(testKey().header);
  });

  test("to a key with one character changed", async () => {
    const key = await createKey("--tenant acme");

    await refused(`${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`);
  });

  test("to a key that has expired", async () => {
    const { key, header } = testKey({ validUntil: "2026-01-01T00:00:00.000Z" });
    using table = await openKeyTable({ "data-dir": join(root, "data") }, {});
    await table.keys.create(key);

    await refused(header);
  });

  test("to a key from the moment on in which it is disabled", async () => {
    const key = await createKey("--tenant acme");
    expect((await call("/v1/jobs", key)).status).toBe(200);

    await keys(`disable ${key.split("_")[1]}`);

    await refused(key);
  });
});

test("What is public needs no key", async () => {
  for (const path of ["/healthz", "/docs", "/docs/swagger-ui.css", "/openapi.json"])
    expect((await call(path)).status).toBe(200);
});

test("No secret is written anywhere: neither to the log nor to the data", async () => {
  const key = await createKey("--tenant acme");
  const secret = key.split("_")[2] ?? "none";
  await call("/v1/jobs", key);
  await keys(`disable ${key.split("_")[1]}`);
  await call("/v1/jobs", key);

  expect(output).toContain(key.split("_")[1]);
  expect(output).not.toContain(secret);
  const { stdout: files } = await execa("grep", ["-rlaF", secret, join(root, "data")], { reject: false });
  expect(files).toBe("");
  expect((await readFile(join(root, "data", "stack.json"), "utf8")).length).toBeGreaterThan(0);
});
