import { styleText } from "node:util";
import type { JobEvent } from "../../core/job-events.ts";
import type { Role } from "../../core/roles.ts";

const colors = { planner: "cyan", executor: "yellow", verifier: "magenta" } as const satisfies Record<Role, string>;

/** Prints a job's events for a person: each pane's lines under its name, in its colour, and progress in between. */
export class EventPrinter {
  readonly #write: (text: string) => void;
  /** What a pane has printed of a line that is not whole yet. */
  readonly #partialLines = new Map<Role, string>();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  print(event: JobEvent): void {
    if (event.role && event.type === "pane_output") this.#output(event.role, event.data.text);
    else if (event.role) this.#endLine(event.role);
    const words = progressOf(event);
    if (words) this.#write(`${styleText("dim", `[${String(event.seq).padStart(3)}] ${words}`)}\n`);
  }

  #output(role: Role, text: string): void {
    const lines = ((this.#partialLines.get(role) ?? "") + text).split(/\r?\n/);
    this.#partialLines.set(role, lines.pop() ?? "");
    for (const line of lines) this.#line(role, line);
  }

  #endLine(role: Role): void {
    const line = this.#partialLines.get(role);
    this.#partialLines.delete(role);
    if (line) this.#line(role, line);
  }

  #line(role: Role, line: string): void {
    this.#write(`${styleText(colors[role], `${role.padEnd(8)} │`)} ${line}\u001b[0m\n`);
  }
}

function progressOf(event: JobEvent): string | undefined {
  switch (event.type) {
    case "job_queued":
      return `accepted: ${event.data.mode} on ${event.data.repo}`;
    case "runner_started":
      return "a runner has taken the job";
    case "git_clone_finished":
      return `cloned at ${event.data.baseSha.slice(0, 8)} in ${event.data.durationMs} ms`;
    case "tmux_session_started":
      return `watch it live: ${event.data.attachCommand}`;
    case "pane_started":
      return `${event.role} begins (${event.data.paneId})`;
    case "stage_finished":
      return `${event.role} ended with exit code ${event.data.exitCode} after ${event.data.durationMs} ms`;
    case "job_finished":
      return `the job has ${event.data.status}`;
    default:
      return undefined;
  }
}
