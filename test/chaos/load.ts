import { fork } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { table } from "../../bench/markdown.ts";
import { cpuTicks, memoryBytes } from "../../bench/processes.ts";
import type { Job } from "../../core/job.ts";
import { countBy, fairness, mean, percentile, told } from "./figures.ts";
import { ownFolder } from "./own-folder.ts";
import type { ChaosPart } from "./part.ts";
import { seededRandom, seedOfRun } from "./random.ts";
import { endedJobs, healthTimes, type RequestTimes, submitAll, type TenantJob } from "./tenants.ts";
import { makeWorkLog } from "./work-log.ts";

/** `CHAOS_JOBS` makes it shorter. */
const jobCount = Number(process.env.CHAOS_JOBS ?? 1_000);
const tenantCount = 20;
const connections = 50;
/** 20 tenants with two each stay under the 50 runners that the stack has room for. */
const concurrentJobs = 2;
/** One tenant submits so many times as much as each of the others. */
const moreOfOne = 10;
/** What two runs on the same machine may differ by. */
const noise = 1.15;

const big = "tenant-0";
const tenants = Array.from({ length: tenantCount }, (_, index) => `tenant-${index}`);

/** All jobs at once, of many tenants: that all end, how soon, and whether anybody waits for somebody else's. */
export const chaosLoad: ChaosPart = async (log, cleanUp) => {
  const seed = seedOfRun();
  const share = Math.ceil(jobCount / tenantCount);
  log(`CHAOS_SEED=${seed}: ${tenantCount} tenants with ${share} jobs each, MAX_CONCURRENT_JOBS=${concurrentJobs}`);
  const even = await run(cleanUp, seed, () => share);
  for (const line of report(even)) log(line);
  log(`\nThe same, but ${big} with ${share * moreOfOne}`);
  const uneven = await run(cleanUp, seed, (tenantId) => (tenantId === big ? share * moreOfOne : share));
  for (const line of report(uneven)) log(line);
  const [alone, beside] = [smallWait(even), smallWait(uneven)];
  log(
    `\nMean wait of the ${tenantCount - 1} others: ${seconds(alone)} beside an equal, ${seconds(beside)} beside a big one`,
  );
  return [even, uneven].every(isWell) && beside <= alone * noise;
};

interface LoadRun {
  readonly jobs: ReadonlyMap<string, readonly Job[]>;
  readonly submitted: number;
  readonly times: RequestTimes;
  readonly idleHealth: readonly number[];
  /** Of the stack's process, in the kernel's ticks of 10 ms: for all submissions, and in the end. */
  readonly ticks: { readonly submitted: number; readonly end: number };
  readonly memory: { readonly start: number; readonly peak: number; readonly end: number };
  /** What its log says, but for what is only information. */
  readonly trouble: readonly string[];
}

async function run(
  cleanUp: AsyncDisposableStack,
  seed: number,
  jobsOf: (tenantId: string) => number,
): Promise<LoadRun> {
  await using own = new AsyncDisposableStack();
  cleanUp.use(own);
  const root = await ownFolder(own);
  const [doneLog, stackLog] = [join(root, "done.log"), join(root, "stack.log")];
  await makeWorkLog(doneLog);
  const { url, processId } = await startLoadStack(root, stackLog, own);
  const command = `echo done >> ${doneLog}`;
  const wanted = tenants.flatMap((tenantId) =>
    Array.from({ length: jobsOf(tenantId) }, (): TenantJob => ({ tenantId, command })),
  );
  await healthTimes(url, 200, connections);
  const idleHealth = await healthTimes(url, 1_000, connections);
  const start = await memoryOf(processId, "VmRSS");
  const ticksBefore = await cpuTicks(processId);
  const times = await submitAll(url, seededRandom(seed).shuffled(wanted), connections);
  const submitted = (await cpuTicks(processId)) - ticksBefore;
  await untilDone(doneLog, wanted.length);
  const jobs = new Map<string, readonly Job[]>();
  for (const tenantId of tenants) jobs.set(tenantId, await endedJobs(url, tenantId));
  // The last runners leave.
  await delay(2_000);
  const ticks = { submitted, end: (await cpuTicks(processId)) - ticksBefore };
  const memory = { start, peak: await memoryOf(processId, "VmHWM"), end: await memoryOf(processId, "VmRSS") };
  const lines = (await readFile(stackLog, "utf8")).split("\n");
  const trouble = lines.filter((line) => line !== "" && !line.includes('"level":"INFO"'));
  return { jobs, submitted: wanted.length, times, idleHealth, ticks, memory, trouble };
}

async function startLoadStack(root: string, logFile: string, cleanUp: AsyncDisposableStack) {
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", PORT: "0", JOB_SKIP_GIT_CLONE: "1" },
    ...{ DATA_DIR: join(root, "data"), WORK_ROOT: join(root, "work"), MAX_CONCURRENT_JOBS: String(concurrentJobs) },
  };
  await using log = await open(logFile, "a");
  const entry = fileURLToPath(new URL("load-stack.ts", import.meta.url));
  // As `npm start` has it.
  const execArgv = ["--max-semi-space-size=4"];
  const child = fork(entry, { env, execArgv, detached: true, stdio: ["ignore", "ignore", log.fd, "ipc"] });
  const exited = once(child, "exit");
  cleanUp.defer(async () => {
    if (child.connected) child.disconnect();
    await exited;
  });
  const [url] = await Promise.race([once(child, "message"), exited.then(() => [undefined])]);
  return { url: z.string().parse(url), processId: child.pid ?? 0 };
}

/** Every job writes one line at its end; if none has for long, something is wrong, and the jobs themselves tell what. */
async function untilDone(doneLog: string, count: number): Promise<void> {
  let [done, changedAt] = [0, performance.now()];
  while (done < count && performance.now() - changedAt < 120_000) {
    await delay(500);
    const now = (await readFile(doneLog, "utf8")).split("\n").length - 1;
    if (now !== done) [done, changedAt] = [now, performance.now()];
  }
}

async function memoryOf(processId: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  return (await memoryBytes(processId, field)) ?? Number.NaN;
}

function isWell(load: LoadRun): boolean {
  const jobs = [...load.jobs.values()].flat();
  const succeeded = jobs.filter(({ status }) => status === "succeeded").length;
  return succeeded === load.submitted && jobs.length === load.submitted && mostAtOnce(load) <= concurrentJobs;
}

/** Milliseconds from acceptance to the first attempt. */
function waitOf({ createdAt, startedAt }: Job): number {
  return Date.parse(startedAt ?? "") - Date.parse(createdAt);
}

function smallWait({ jobs }: LoadRun): number {
  const small = [...jobs].filter(([tenantId]) => tenantId !== big);
  return mean(small.flatMap(([, ofTenant]) => ofTenant.map(waitOf)));
}

/** The most jobs that one tenant had at work at the same time. */
function mostAtOnce({ jobs }: LoadRun): number {
  const ofTenants = [...jobs.values()].map((ofTenant) => {
    const changes = ofTenant.flatMap(({ startedAt, endedAt }) => [
      { at: Date.parse(startedAt ?? ""), by: 1 },
      { at: Date.parse(endedAt ?? ""), by: -1 },
    ]);
    // In the same millisecond, the end is first: the start has waited for it.
    changes.sort((first, second) => first.at - second.at || first.by - second.by);
    let [now, most] = [0, 0];
    for (const { by } of changes) {
      now += by;
      most = Math.max(most, now);
    }
    return most;
  });
  return Math.max(...ofTenants);
}

/** Of what each tenant had finished when half of all had. */
function fairnessAtHalf({ jobs }: LoadRun): number {
  const ends = (ofTenant: readonly Job[]) => ofTenant.map(({ endedAt }) => Date.parse(endedAt ?? ""));
  const half = percentile([...jobs.values()].flatMap(ends), 50);
  return fairness([...jobs.values()].map((ofTenant) => ends(ofTenant).filter((at) => at <= half).length));
}

const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;
const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(0)} MB`;

function report(load: LoadRun): string[] {
  const { jobs, submitted, times, idleHealth, ticks, memory, trouble } = load;
  const all = [...jobs.values()].flat();
  const first = Math.min(...all.map(({ createdAt }) => Date.parse(createdAt)));
  const last = Math.max(...all.map(({ endedAt }) => Date.parse(endedAt ?? "")));
  const waits = [...jobs.values()].map((ofTenant) => mean(ofTenant.map(waitOf)));
  const spans = (values: readonly number[]) =>
    `${percentile(values, 50).toFixed(0)} ms, ${percentile(values, 99).toFixed(0)} ms`;
  return [
    table(
      ["what", "measured"],
      [
        [`jobs (${submitted} submitted)`, told(countBy(all, ({ status, reason }) => reason?.code ?? status))],
        ["from the first acceptance to the last end", seconds(last - first)],
        ["jobs per second", (all.length / ((last - first) / 1_000)).toFixed(2)],
        [`submit, ${connections} connections, p50 and p99`, spans(times.submit)],
        ["`/healthz` in turns with it, p50 and p99", spans(times.health)],
        ["`/healthz` before it, alone, p50 and p99", spans(idleHealth)],
        ["Jain's index of the jobs finished at half-time", fairnessAtHalf(load).toFixed(3)],
        [
          "tenants' mean waits, least, mean and most",
          [Math.min(...waits), mean(waits), Math.max(...waits)].map(seconds).join(", "),
        ],
        ["most jobs of a tenant at once", `${mostAtOnce(load)} of ${concurrentJobs}`],
        [
          "CPU time of the stack, while all were submitted and in the end",
          [ticks.submitted, ticks.end].map((each) => seconds(each * 10)).join(", "),
        ],
        ["attempts after the first", String(all.filter(({ attempt }) => attempt > 1).length)],
        ["memory of the stack: start, peak, end", [memory.start, memory.peak, memory.end].map(megabytes).join(", ")],
        ["submissions answered by 5xx and repeated", String(times.failures)],
        ["lines of trouble in its log", String(trouble.length)],
      ],
    ),
    ...trouble.slice(0, 5),
  ];
}
