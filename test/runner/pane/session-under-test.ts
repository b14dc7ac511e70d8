import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { PaneCommand, PaneHandle } from "../../../runner/pane/pane.ts";
import type { PaneExit } from "../../../runner/pane/pane-exit.ts";
import { startTmuxSession, type TmuxSessionOptions } from "../../../runner/tmux/start-tmux-session.ts";
import type { TmuxSession } from "../../../runner/tmux/tmux-session.ts";

export const PATH = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
export const never: AbortSignal = new AbortController().signal;

/** A name no other process of this machine has, to find by it what a test started. */
export function uniqueName(): string {
  return `agent-${randomBytes(6).toString("hex")}`;
}

export interface SessionUnderTest extends AsyncDisposable {
  readonly session: TmuxSession;
  readonly directory: string;
  readonly jobId: string;
  pane(role: string): PaneHandle;
  /** Asks the session's tmux server, as a person would. */
  tmux(...args: readonly string[]): Promise<string>;
  /** The lines on a pane's screen that are not empty. */
  screen(role: string): Promise<readonly string[]>;
}

/** A session in a directory of its own, both gone on dispose. */
export async function startSession(
  roles: readonly string[],
  options: Partial<TmuxSessionOptions> = {},
): Promise<SessionUnderTest> {
  const parent = await mkdtemp(join(tmpdir(), "omx-"));
  const directory = join(parent, "tmux");
  const jobId = uniqueName();
  const session = await startTmuxSession({
    name: "omx-test",
    directory,
    roles,
    marker: `JOB_ID=${jobId}`,
    path: PATH,
    signal: never,
    stopGraceMilliseconds: 300,
    maximumSpoolBytes: 1_000_000_000,
    ...options,
  });
  const tmux = async (...args: readonly string[]) => (await execa("tmux", ["-S", session.socketPath, ...args])).stdout;
  const pane = (role: string) => {
    const found = session.panes.get(role);
    if (!found) throw new Error(`No pane of ${role}`);
    return found;
  };
  return {
    session,
    directory,
    jobId,
    pane,
    tmux,
    async screen(role) {
      const text = await tmux("capture-pane", "-p", "-t", pane(role).paneId);
      return text.split("\n").filter((line) => line !== "");
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await rm(parent, { recursive: true });
    },
  };
}

export interface Recorded {
  readonly exit: PaneExit;
  readonly output: string;
}

/** Runs a shell command to its end and keeps what it printed. */
export async function run(
  pane: PaneHandle,
  command: string,
  { signal = never, ...rest }: Partial<PaneCommand> & { readonly signal?: AbortSignal } = {},
): Promise<Recorded> {
  const chunks: Uint8Array[] = [];
  const exit = await pane.run(
    {
      command,
      environment: { PATH, TERM: "tmux-256color" },
      workingDirectory: "/tmp",
      onOutput: (bytes) => void chunks.push(bytes),
      ...rest,
    },
    signal,
  );
  return { exit, output: Buffer.concat(chunks).toString() };
}

/** The shell command that runs an agent of test/fixtures/agents. */
export function agent(name: string, ...args: readonly string[]): string {
  const script = fileURLToPath(new URL(`../../fixtures/agents/${name}.sh`, import.meta.url));
  return [script, ...args].join(" ");
}

/** Ids of the living processes that have the text in their arguments. */
export async function processesNaming(text: string): Promise<readonly number[]> {
  return processesWith("cmdline", text);
}

/** Ids of the living processes whose file in /proc holds the text; other users' files count as empty. */
export async function processesWith(file: "cmdline" | "environ", text: string): Promise<readonly number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const contents = await Promise.all(ids.map((id) => readFile(`/proc/${id}/${file}`, "utf8").catch(() => "")));
  return ids.filter((id, index) => id !== process.pid && contents[index]?.includes(text));
}

/** An `onOutput` that resolves `seen` once the text has come. */
export function waitForText(text: string): {
  readonly seen: Promise<void>;
  readonly onOutput: PaneCommand["onOutput"];
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  let output = "";
  return {
    seen: promise,
    onOutput(bytes) {
      output += Buffer.from(bytes).toString();
      if (output.includes(text)) resolve();
    },
  };
}
