import type { JobEvent } from "../../core/job-events.ts";

/** What is wrong with the events of an ended job, one line for each fault. */
export function eventFaults(events: readonly JobEvent[]): string[] {
  return [...placeFaults(events), ...endFaults(events), ...attemptFaults(events)];
}

function placeFaults(events: readonly JobEvent[]): string[] {
  return events.flatMap(({ seq }, index) => (seq === index + 1 ? [] : [`event ${index + 1} has seq ${seq}`]));
}

function endFaults(events: readonly JobEvent[]): string[] {
  const ends = events.filter(({ type }) => type === "job_finished").length;
  if (ends !== 1) return [`${ends} job_finished`];
  return events.at(-1)?.type === "job_finished" ? [] : ["job_finished is not the last event"];
}

/**
 * Each attempt after the first opens with `runner_lost`; only the end of a job that was lost has one more. The first
 * attempt may have lost its runner before it told anything.
 */
function attemptFaults(events: readonly JobEvent[]): string[] {
  const end = events.at(-2);
  return events.flatMap((event, index) => {
    const before = events[index - 1]?.attempt ?? 0;
    const fault = event.attempt === before ? faultWithin(event, end) : faultOfOpening(event, before);
    return fault === undefined ? [] : [`event ${event.seq}: ${fault}`];
  });
}

function faultWithin(event: JobEvent, end: JobEvent | undefined): string | undefined {
  return event.type === "runner_lost" && event !== end ? "a runner_lost within an attempt" : undefined;
}

function faultOfOpening({ type, attempt }: JobEvent, before: number): string | undefined {
  const isNext = attempt === before + 1 || (before === 0 && attempt === 2);
  if (!isNext) return `attempt ${attempt} after attempt ${before}`;
  return attempt > 1 && type !== "runner_lost" ? `attempt ${attempt} opens with ${type}` : undefined;
}
