import type { JobEvent, NewJobEvent } from "../../core/job-events.ts";

const ts = "2026-11-22T10:00:00.000Z";

/** An event before the log has given it its place. */
export function output(text: string): Extract<NewJobEvent, { type: "pane_output" }> {
  return { type: "pane_output", ts, role: "executor", data: { text, offset: 0 } };
}

export function finished(): Extract<NewJobEvent, { type: "job_finished" }> {
  const data = { status: "succeeded", verified: false, reason: null, usage: null, costUsd: null } as const;
  return { type: "job_finished", ts, data };
}

/** The events of a batch that begins at `firstSeq`. */
export function placed(firstSeq: number, events: readonly NewJobEvent[], attempt = 1): JobEvent[] {
  return events.map((event, index) => ({ ...event, seq: firstSeq + index, attempt }));
}

export function texts(events: readonly JobEvent[]): string[] {
  return events.map((event) => (event.type === "pane_output" ? event.data.text : event.type));
}

export function seqs(events: readonly JobEvent[]): number[] {
  return events.map((event) => event.seq);
}

/** 1, 2 … `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
