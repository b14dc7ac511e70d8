import type { Report } from "./report.ts";

/** A report as a person reads it, in the terminal and in the document alike. */
export function toMarkdown(report: Report): string {
  const { title, method, rows, tables, notes } = report;
  const lines = rows.map((row) => [row.what, row.measured, row.baseline, row.ratio, row.target, verdict(row.met)]);
  const parts = [
    `## ${title}`,
    method,
    table(["what", "measured", "baseline", "ratio", "target", "met"], lines),
    ...tables.flatMap(({ title, head, lines }) => [`${title}:`, table(head, lines)]),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const cells = [head, head.map(() => "---"), ...lines];
  return cells.map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}

function verdict(met: boolean | null): string {
  if (met === null) return "—";
  return met ? "yes" : "**no**";
}
