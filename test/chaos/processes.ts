import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import { table } from "../../bench/markdown.ts";
import { isTerminal, type Job } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import type { NewJob } from "../../core/new-job.ts";
import { type Client, client } from "./client.ts";
import { comebackHead, comebackLines, longestAfterlife } from "./comebacks.ts";
import { countBy, percentile, told } from "./figures.ts";
import { type Faults, faultsOf, type JobStory } from "./findings.ts";
import { leftOver } from "./left-over.ts";
import { type Damage, strike } from "./mayhem.ts";
import { nameOf, ownFolder } from "./own-folder.ts";
import type { ChaosPart } from "./part.ts";
import { type Plan, type PlannedJob, plan } from "./plan.ts";
import { seededRandom, seedOfRun } from "./random.ts";
import { type StackProcess, stackProcess } from "./stack-process.ts";
import { makeWorkLog, readWork, workingCommands } from "./work-log.ts";

/** `CHAOS_JOBS` makes it shorter. */
const jobCount = Number(process.env.CHAOS_JOBS ?? 300);
const concurrentJobs = 12;
const limitMinutes = 25;

/** What came of a plan. */
export interface Outcome {
  readonly stories: readonly JobStory[];
  readonly damage: Damage;
  readonly faults: Faults;
}

/** Jobs through the embedded stack, while its processes are killed all the time. */
export const chaosProcesses: ChaosPart = async (log, cleanUp) => {
  const seed = seedOfRun();
  log(`CHAOS_SEED=${seed}: ${jobCount} jobs, ${concurrentJobs} at once`);
  const outcome = await survive(plan(seededRandom(seed), jobCount), cleanUp, log);
  for (const line of report(outcome)) log(line);
  return Object.values(outcome.faults).every((cases) => cases.length === 0);
};

/** Runs the plan on a stack of its own and looks at everything afterwards. */
export async function survive(
  { jobs, blows }: Plan,
  cleanUp: AsyncDisposableStack,
  log: (line: string) => void,
): Promise<Outcome> {
  const root = await ownFolder(cleanUp);
  const workLog = join(root, "work.log");
  await makeWorkLog(workLog);
  const environment = { JOB_SKIP_GIT_CLONE: "1", MAX_CONCURRENT_JOBS: String(concurrentJobs) };
  const stack = await stackProcess(root, cleanUp, environment);
  await stack.start();

  const isOver = new AbortController();
  const isLate = AbortSignal.timeout(limitMinutes * 60_000);
  const isBroken = new AbortController();
  const striking = strike(stack, blows, AbortSignal.any([isOver.signal, isLate]));
  // A stack that does not start again: nobody waits for it.
  striking.catch(() => isBroken.abort());
  const service = client(stack.url, AbortSignal.any([isLate, isBroken.signal]));
  const submitted = await submitAll(service, jobs, workLog);
  log(`${jobs.length} jobs submitted`);
  await Promise.allSettled(submitted.map((each) => each.isEnded));
  isOver.abort();
  const damage = await striking;
  log(`all is over; damage done: ${told(countBy(damage.blows, (kind) => kind))}`);

  const asking = client(stack.url, AbortSignal.timeout(5 * 60_000));
  const stories = await tellStories(asking, submitted, workLog);
  const known = await asking.jobs();
  const sessions = await strangeSessions(stack, stories);
  const exitCode = await stack.end("SIGTERM");
  const left = await leftOver(stack, (jobId) => keepsFolder(stories, jobId));
  const accepted = new Set(stories.map(({ jobId }) => jobId));
  const exitCodes = [...damage.exitCodes, exitCode].map(String);
  const faults = {
    ...faultsOf(stories, damage.harms),
    "jobs that nobody has submitted": known.map(({ jobId }) => jobId).filter((jobId) => !accepted.has(jobId)),
    "one request, two jobs": submitted.flatMap(({ jobId, repeated }) =>
      jobId === repeated ? [] : [`${jobId} ${repeated}`],
    ),
    "tmux servers of jobs that keep none": sessions,
    "stacks that were stopped and did not end well": exitCodes.filter((code) => code !== "0"),
    "left by a stack that was stopped: processes": damage.leftBehind,
    "left: processes": left.processes,
    "left: folders": left.folders,
    "left: slots": left.slots,
    "left: live entries": left.liveEntries,
  };
  return { stories, damage, faults };
}

/** A job on its way. */
interface Submitted {
  readonly planned: PlannedJob;
  readonly jobId: string;
  /** What the second request with the same key was answered. */
  readonly repeated: string;
  readonly isEnded: Promise<void>;
  readonly followed: Promise<readonly JobEvent[]> | undefined;
  readonly wasCancelled: Promise<boolean>;
}

async function submitAll(service: Client, jobs: readonly PlannedJob[], workLog: string): Promise<Submitted[]> {
  const submitted: Submitted[] = [];
  let before: Promise<void> = Promise.resolve();
  for (const planned of jobs) {
    await delay(planned.afterMilliseconds);
    const body: z.input<typeof NewJob> = {
      ...{ provider: "custom", mode: "team", repo: "owner/name", task: "Live on.", labels: { name: planned.name } },
      options: { keepTmuxSession: planned.keepsSession, agentCommands: workingCommands(planned, workLog) },
    };
    const { jobId } = await service.submit(body, planned.name);
    const repeated = planned.isSubmittedTwice ? (await service.submit(body, planned.name)).jobId : jobId;
    // One after the other: hundreds of jobs that are asked for all the time would be a load of its own.
    const isEnded = before.then(() => service.untilEnded(jobId));
    isEnded.catch(() => undefined);
    before = isEnded;
    const followed = planned.isFollowed ? service.follow(jobId) : undefined;
    followed?.catch(() => undefined);
    const wasCancelled = cancelAfter(service, planned, jobId);
    wasCancelled.catch(() => undefined);
    submitted.push({ planned, jobId, repeated, isEnded, followed, wasCancelled });
  }
  return submitted;
}

async function cancelAfter(service: Client, planned: PlannedJob, jobId: string): Promise<boolean> {
  if (planned.cancelAfterMilliseconds === undefined) return false;
  await delay(planned.cancelAfterMilliseconds);
  return service.cancel(jobId);
}

async function tellStories(service: Client, submitted: readonly Submitted[], workLog: string): Promise<JobStory[]> {
  const stories: JobStory[] = [];
  const workOf = await readWork(workLog);
  for (const [index, { planned, jobId, followed, wasCancelled }] of submitted.entries()) {
    const job = await service.job(jobId);
    const isEnded = job !== undefined && isTerminal(job.status);
    const events = isEnded ? await service.events(jobId) : [];
    // Some are streamed whole as well, long after they have ended.
    const streamed = isEnded && index % 10 === 5 ? await service.follow(jobId) : undefined;
    stories.push({
      ...{ planned, jobId, job, events, work: workOf.get(jobId) ?? [] },
      followed: isEnded ? ((await followed) ?? streamed) : undefined,
      wasCancelled: await wasCancelled.catch(() => false),
    });
  }
  return stories;
}

/** Sessions that people may attach to are kept for jobs that came to their own end, and for no others. */
async function strangeSessions(stack: StackProcess, stories: readonly JobStory[]): Promise<string[]> {
  const servers = (await stack.processes()).filter(({ commandLine }) => commandLine[0] === "tmux");
  const strange = servers.filter(({ commandLine }) => {
    const story = stories.find(({ jobId }) => commandLine.some((word) => word.includes(jobId)));
    return story?.planned.keepsSession !== true || story.job?.status !== "succeeded";
  });
  return strange.map(nameOf);
}

function keepsFolder(stories: readonly JobStory[], jobId: string): boolean {
  const story = stories.find((each) => each.jobId === jobId);
  return story?.planned.keepsSession === true;
}

function report({ stories, damage, faults }: Outcome): string[] {
  const jobs = stories.map(({ job }) => job).filter((job) => job !== undefined);
  const doneAgain = stories.filter(({ work }) => work.filter(({ isDone }) => isDone).length > 1).length;
  const seconds = (value: number) => `${(value / 1_000).toFixed(1)} s`;
  return [
    table(
      ["what", "number"],
      [
        ["jobs", told(countBy(jobs, endOf))],
        ["attempts", told(countBy(jobs, ({ attempt }) => String(attempt)))],
        ["blows", told(countBy(damage.blows, (kind) => kind))],
        ["runners harmed", told(countBy(damage.harms, ({ kind }) => kind))],
        ["work that came to its end, but was lost before that was recorded", String(doneAgain)],
        ["longest that a command outlived its killed runner", seconds(longestAfterlife(stories, damage.harms))],
        [
          "from the stack's start to its first answer, p50 and longest",
          `${seconds(percentile(damage.startTimes, 50))}, ${seconds(percentile(damage.startTimes, 100))}`,
        ],
        ...Object.entries(faults).map(([what, cases]) => [`**${what}**`, String(cases.length)]),
      ],
    ),
    "",
    table(comebackHead, comebackLines(stories, damage)),
    ...Object.entries(faults).flatMap(([what, cases]) => cases.slice(0, 10).map((each) => `${what}: ${each}`)),
  ];
}

function endOf({ status, reason }: Job): string {
  return reason === null || status === "cancelled" ? status : `${status} (${reason.code})`;
}
