import { percentile } from "./figures.ts";
import { type JobStory, ownersOf } from "./findings.ts";
import type { Damage, Harm } from "./mayhem.ts";

/** How long a job whose runner was harmed took to be at work again, milliseconds. */
interface Comeback {
  readonly jobId: string;
  readonly kind: string;
  readonly sinceHarm: number;
  /** Since the stack answered again, where it was away, and since the last blow that may have been in the job's way. */
  readonly sinceService: number;
}

function comebacksOf(stories: readonly JobStory[], { harms, outages }: Damage): Comeback[] {
  const harmOf = new Map(harms.map((harm) => [harm.taskId, harm]));
  const owners = stories.map(({ jobId, events }) => ({ jobId, attempts: ownersOf(events) }));
  const atWork = new Set(owners.flatMap(({ attempts }) => [...attempts.values()].map(({ taskId }) => taskId)));
  // Any of these may have been on its way to the job.
  const jobless = harms.filter(({ taskId }) => !atWork.has(taskId)).map(({ at }) => ({ from: at, to: at }));
  const blows = [...outages, ...jobless];
  return owners.flatMap(({ jobId, attempts }) =>
    [...attempts].flatMap(([attempt, { taskId }]) => {
      const [harm, next] = [harmOf.get(taskId), attempts.get(attempt + 1)];
      if (harm === undefined || next === undefined) return [];
      const { at, serviceFrom, kind } = harm;
      const struckAgain = blows.filter(({ from }) => from > serviceFrom && from < next.startedAt).map(({ to }) => to);
      const sinceService = next.startedAt - Math.max(serviceFrom, ...struckAgain);
      const times = { jobId, sinceHarm: next.startedAt - at, sinceService };
      return [{ ...times, kind: struckAgain.length > 0 ? "any, and struck again on the way" : kind }];
    }),
  );
}

export const comebackHead = [
  "from a harmed runner to the next attempt at work",
  "jobs",
  "since the harm, p50",
  "p99",
  "since nothing was in the way, p50",
  "p99",
  "the slowest",
];

/** One line for each kind of harm. */
export function comebackLines(stories: readonly JobStory[], damage: Damage): string[][] {
  const byKind = Map.groupBy(comebacksOf(stories, damage), ({ kind }) => kind);
  return [...byKind].map(([kind, comebacks]) => {
    const figures = [comebacks.map(({ sinceHarm }) => sinceHarm), comebacks.map(({ sinceService }) => sinceService)];
    const cells = figures.flatMap((values) => [percentile(values, 50), percentile(values, 99)]);
    const slowest = comebacks.toSorted((first, second) => second.sinceService - first.sinceService)[0];
    const times = cells.map((value) => `${(value / 1_000).toFixed(2)} s`);
    return [kind, String(comebacks.length), ...times, slowest?.jobId ?? ""];
  });
}

/** How long commands were at work after their runner had been killed: the longest, milliseconds. */
export function longestAfterlife(stories: readonly JobStory[], harms: readonly Harm[]): number {
  const killed = new Map(harms.filter(({ kind }) => kind.includes("kill")).map(({ taskId, at }) => [taskId, at]));
  const afterlives = stories.flatMap(({ events, work }) => {
    const owners = ownersOf(events);
    return work.map(({ attempt, to }) => to - (killed.get(owners.get(attempt)?.taskId ?? "") ?? to));
  });
  return Math.max(0, ...afterlives);
}
