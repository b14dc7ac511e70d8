import { isTerminal, type Job } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { Role } from "../../core/roles.ts";
import { outputOf } from "../helpers/service.ts";
import { eventFaults } from "./event-faults.ts";
import type { Harm } from "./mayhem.ts";
import type { PlannedJob } from "./plan.ts";
import { expectedOutput, type Work } from "./work-log.ts";

/** All that is known of one job in the end. */
export interface JobStory {
  readonly planned: PlannedJob;
  readonly jobId: string;
  /** Absent: the service does not know the job that it has accepted. */
  readonly job: Job | undefined;
  readonly events: readonly JobEvent[];
  /** As they came by server-sent events, if somebody listened. */
  readonly followed: readonly JobEvent[] | undefined;
  readonly work: readonly Work[];
  /** A cancel was accepted. */
  readonly wasCancelled: boolean;
}

/** What must not be: one line for each case. */
export type Faults = Readonly<Record<string, readonly string[]>>;

export function faultsOf(stories: readonly JobStory[], harms: readonly Harm[]): Faults {
  const about = (find: (story: JobStory) => readonly string[]) =>
    stories.flatMap((story) => find(story).map((fault) => `${story.jobId} (${story.planned.name}): ${fault}`));
  const harmed = new Set(harms.map(({ taskId }) => taskId));
  return {
    "lost: accepted, then unknown": about(({ job }) => (job === undefined ? ["not found"] : [])),
    "stuck: not ended": about(({ job }) => (job && !isTerminal(job.status) ? [`${job.status} at the end`] : [])),
    "ended as it should not": about(wrongEnd),
    "doubled: two at work at once": about(({ work }) => overlaps(work)),
    "doubled: succeeded, then run again": about(({ events }) => successes(events)),
    "started anew, though nobody had harmed its runner": about(({ events }) => unprovoked(events, harmed)),
    "events: gaps, doubles, wrong order": about(({ job, events }) => (isEnded(job) ? eventFaults(events) : [])),
    "events: stream and pages differ": about(({ events, followed }) =>
      followed === undefined || JSON.stringify(followed) === JSON.stringify(events) ? [] : ["they differ"],
    ),
    "output not exactly what was printed": about(wrongOutput),
  };
}

function isEnded(job: Job | undefined): boolean {
  return job !== undefined && isTerminal(job.status);
}

/** A job succeeds, or was cancelled, or has lost its runner three times. */
function wrongEnd({ job, events, wasCancelled }: JobStory): string[] {
  if (job === undefined || !isTerminal(job.status) || job.status === "succeeded") return [];
  if (job.status === "cancelled" && wasCancelled) return [];
  const losses = events.filter(({ type }) => type === "runner_lost").length;
  if (job.reason?.code === "runner_lost" && losses === 3) return [];
  return [`${job.status} after ${losses} losses: ${job.reason?.code} ${job.reason?.message}`];
}

function overlaps(work: readonly Work[]): string[] {
  return work.flatMap((attempt, index) => {
    const next = work[index + 1];
    const overlap = next === undefined ? 0 : attempt.to - next.from;
    return [
      ...(attempt.beganTwice ? [`a command of attempt ${attempt.attempt} ran twice`] : []),
      ...(overlap > 0 ? [`attempt ${attempt.attempt} was at work ${overlap} ms into the next`] : []),
    ];
  });
}

function successes(events: readonly JobEvent[]): string[] {
  const succeeded = events.filter((event) => event.type === "job_finished" && event.data.status === "succeeded");
  return succeeded.length > 1 ? [`${succeeded.length} successes`] : [];
}

/** Attempts that were given up although the task that ran them was left alone. */
function unprovoked(events: readonly JobEvent[], harmed: ReadonlySet<string>): string[] {
  const owners = ownersOf(events);
  return events.flatMap((event) => {
    if (event.type !== "runner_lost") return [];
    const isLast = event === events.at(-2);
    const owner = owners.get(isLast && event.attempt === events.at(-3)?.attempt ? event.attempt : event.attempt - 1);
    // An attempt that told nothing of itself may have lost its runner before it could.
    return owner === undefined || harmed.has(owner.taskId) ? [] : [`${event.data.detail} (task ${owner.taskId})`];
  });
}

/** Which task ran each attempt, and when it began, epoch milliseconds. */
export function ownersOf(events: readonly JobEvent[]): Map<number, { taskId: string; startedAt: number }> {
  return new Map(
    events.flatMap((event) => {
      if (event.type !== "runner_started") return [];
      const taskId = event.data.owner.slice(event.data.owner.lastIndexOf("/") + 1);
      return [[event.attempt, { taskId, startedAt: Date.parse(event.ts) }] as const];
    }),
  );
}

function wrongOutput({ planned, job, events }: JobStory): string[] {
  if (job?.status !== "succeeded") return [];
  const last = events.filter(({ attempt }) => attempt === job.attempt);
  return Role.options.flatMap((role) => {
    const output = outputOf(last, role);
    return output === expectedOutput(planned, role, job.attempt) ? [] : [`the ${role}'s: ${JSON.stringify(output)}`];
  });
}
