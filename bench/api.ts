import { Job } from "../core/job.ts";
import { startApiEmulators } from "./api-emulators.ts";
import { type ApiServer, startApiServer } from "./api-process.ts";
import { type Load, requestsPerSecond } from "./load.ts";
import { compare, perSecond, type Report } from "./report.ts";
import { alternate, median } from "./statistics.ts";
import { storeJob } from "./stored-job.ts";

const rounds = 8;
const secondsPerRound = 1;
const connections = 8;
const storedEvents = 500;
const atLeast = 0.85;

const newJob = JSON.stringify({
  ...{ provider: "custom", mode: "team", repo: "octocat/Hello-World", task: "인사말을 추가해줘" },
  ...{ labels: { team: "bench" }, options: { agentCommands: { planner: "true", executor: "true", verifier: "true" } } },
});

/** A request that both gateways understand. */
interface Route {
  readonly name: string;
  readonly path: string;
  readonly body?: string;
}

/** Requests per second of the API against bare handlers that make the same calls. */
export async function measureApi(cleanUp: AsyncDisposableStack): Promise<Report> {
  const emulators = await startApiEmulators(cleanUp);
  const server = await startApiServer(cleanUp, emulators.environment);
  const jobId = await storeJob(emulators, storedEvents);
  const routes: Route[] = [
    { name: "GET job", path: `/v1/jobs/${jobId}` },
    { name: "POST job", path: "/v1/jobs", body: newJob },
    { name: "GET events page of 100", path: `/v1/jobs/${jobId}/events?after=200&limit=100` },
  ];
  const rows = [];
  const lines = [];
  for (const route of routes) {
    await assertSameAnswer(server.urls, route);
    const load = (which: "ours" | "bare") => () => loadOf(server, `${server.urls[which]}${route.path}`, route.body);
    const loads = await alternate(rounds + 1, { bare: load("bare"), ours: load("ours") });
    // The first round is for the compiler.
    const [ours, bare] = [loads.ours.slice(1), loads.bare.slice(1)];
    const rates = (measured: readonly LoadResult[]) => measured.map((one) => one.rate);
    const baseline = { values: rates(bare), of: "bare handler" };
    rows.push(compare(`${route.name}, requests per second`, perSecond, rates(ours), baseline, { atLeast }));
    const cost = (measured: readonly LoadResult[]) => median(measured.map((one) => one.cpuMilliseconds));
    const costs = [cost(ours), cost(bare), cost(ours) / cost(bare)];
    lines.push([route.name, ...costs.map((value) => value.toFixed(2))]);
  }
  return {
    title: "API",
    method:
      `${connections} connections of autocannon, ${rounds} rounds of ${secondsPerRound} s each in turns. The gateway and the ` +
      "functions have a process of their own; DynamoDB and SQS (the emulators) and an ECS that starts nothing have another. Baseline: " +
      "handlers behind the same gateway that make the same SDK calls and give the same answers, and check nothing.",
    rows,
    tables: [
      {
        title: "CPU time of the API's process per request in ms, gateway and SDK included",
        head: ["route", "ours", "bare", "ratio"],
        lines,
      },
    ],
    notes: [],
  };
}

interface LoadResult {
  readonly rate: number;
  /** Of the API's process, for one request. */
  readonly cpuMilliseconds: number;
}

async function loadOf(server: ApiServer, url: string, body: string | undefined): Promise<LoadResult> {
  const load: Load = { url, connections, extent: { seconds: secondsPerRound }, ...(body !== undefined && { body }) };
  const before = await server.cpuMicroseconds();
  const rate = await requestsPerSecond(load);
  const used = (await server.cpuMicroseconds()) - before;
  return { rate, cpuMilliseconds: used / 1_000 / (rate * secondsPerRound) };
}

/** A baseline that does something else would measure nothing. */
async function assertSameAnswer(urls: { ours: string; bare: string }, { path, body }: Route): Promise<void> {
  const answers = await Promise.all(
    [urls.ours, urls.bare].map(async (url) => {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(`${url}${path}`, body === undefined ? {} : { method: "POST", headers, body });
      const answer: unknown = await response.json();
      return JSON.stringify(body === undefined ? answer : comparable(Job.parse(answer)));
    }),
  );
  if (answers[0] !== answers[1]) throw new Error(`The answers to ${path} differ: ${answers.join("\n")}`);
}

/** Two new jobs are the same but for their ids and times. */
function comparable(job: Job): object {
  return Object.fromEntries(
    Object.entries(job)
      .filter(([name]) => !["jobId", "createdAt", "links"].includes(name))
      .toSorted(),
  );
}
