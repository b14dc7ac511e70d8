import * as z from "zod";
import { median } from "./statistics.ts";

/** One figure beside its baseline of the same run. */
const Row = z.object({
  what: z.string(),
  measured: z.string(),
  baseline: z.string(),
  ratio: z.string(),
  target: z.string(),
  /** Null where there is no target to meet. */
  met: z.boolean().nullable(),
});
export type Row = z.infer<typeof Row>;

const Table = z.object({ title: z.string(), head: z.array(z.string()), lines: z.array(z.array(z.string())) });

/** What one measurement has found. */
export const Report = z.object({
  title: z.string(),
  /** How it was measured: what the numbers mean, and what they do not. */
  method: z.string(),
  rows: z.array(Row),
  tables: z.array(Table),
  notes: z.array(z.string()),
});
export type Report = z.infer<typeof Report>;

/** A measurement registers what it starts in `cleanUp`, which also ends it when the run is broken off. */
export type Measure = (cleanUp: AsyncDisposableStack) => Promise<Report>;

/** The smallest ratio allowed, or the largest. */
export type RatioTarget = { readonly atMost: number } | { readonly atLeast: number };

/** The row of two medians and their ratio. */
export function compare(
  what: string,
  show: (value: number) => string,
  measured: readonly number[],
  baseline: { readonly values: readonly number[]; readonly of: string },
  target?: RatioTarget,
): Row {
  const [own, other] = [median(measured), median(baseline.values)];
  const ratio = own / other;
  return {
    what,
    measured: show(own),
    baseline: `${show(other)}: ${baseline.of}`,
    ratio: ratio.toFixed(2),
    ...(target ? judge(ratio, target) : { target: "—", met: null }),
  };
}

/** The row of a figure that has a fixed limit; its baseline, if it has one, is only there to be compared with. */
export function limit(row: Omit<Row, "ratio" | "baseline"> & { readonly baseline?: string }): Row {
  return { baseline: "—", ratio: "—", ...row };
}

function judge(ratio: number, target: RatioTarget): Pick<Row, "target" | "met"> {
  if ("atMost" in target) return { target: `≤ ${round(target.atMost)}`, met: ratio <= target.atMost };
  return { target: `≥ ${round(target.atLeast)}`, met: ratio >= target.atLeast };
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export const milliseconds = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
export const seconds = (value: number) => `${(value / 1_000).toFixed(1)} s`;
export const perSecond = (value: number) => `${Math.round(value)}/s`;
export const kilobytes = (value: number) => `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} kB`;
export const megabytes = (value: number) => `${(value / 1_000_000).toFixed(0)} MB`;
