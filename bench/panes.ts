import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { resolveAgentUser } from "../runner/agent-user.ts";
import type { UnixUser } from "../runner/pane/protocol.ts";
import { startTmuxSession } from "../runner/tmux/start-tmux-session.ts";
import { temporaryDirectory } from "./directories.ts";
import { compare, limit, milliseconds, type Report } from "./report.ts";
import { alternate } from "./statistics.ts";

const roles = ["planner", "executor", "verifier"];
const paneCount = 1_000;
const batches = Math.ceil(paneCount / roles.length);
/** A round is some batches, so that the two candidates take turns. */
const rounds = 12;
const lines = Array.from({ length: 20_000 }, (_, index) => `${index + 1}`);
const printed = Buffer.from(lines.map((line) => `${line}\n`).join(""));
/** A terminal ends its lines with CR and LF. */
const shown = Buffer.from(lines.map((line) => `${line}\r\n`).join(""));
const path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
const environment = { PATH: path, TERM: "screen-256color" };
const never = new AbortController().signal;

/** How one pane ended, and whether every byte of its output came as it should. */
interface Outcome {
  readonly isComplete: boolean;
  readonly isExitCodeRight: boolean;
}

/** A thousand panes of 129 KB through the runner's tmux layer: what is lost, and what it costs beside plain pipes. */
export async function measurePanes(cleanUp: AsyncDisposableStack): Promise<Report> {
  const directory = await temporaryDirectory(cleanUp);
  const user = await resolveAgentUser("nobody");
  const taken = await alternate(rounds, {
    panes: (round) => runRound(round, (batch) => inPanes(directory, user, batch)),
    pipes: (round) => runRound(round, (batch) => Promise.all(codesOf(batch).map(inPipe))),
  });
  const counted = (kind: keyof typeof taken, what: keyof Outcome) => {
    const outcomes = taken[kind].flatMap((round) => round.outcomes);
    return { wrong: outcomes.filter((outcome) => !outcome[what]).length, all: outcomes.length };
  };
  const row = (what: string, property: keyof Outcome) => {
    const [panes, pipes] = [counted("panes", property), counted("pipes", property)];
    const baseline = `${pipes.wrong} of ${pipes.all}: child_process and pipes`;
    return limit({ what, measured: `${panes.wrong} of ${panes.all}`, baseline, target: "0", met: panes.wrong === 0 });
  };
  const perPane = (kind: keyof typeof taken) => taken[kind].map((round) => round.milliseconds / round.outcomes.length);
  return {
    title: "A thousand panes",
    method:
      `\`seq 1 20000\`, which is ${shown.length.toLocaleString("en")} bytes on a terminal, with exit codes from 0 to 255: ` +
      "three panes at a time, each three in a session of their own, as jobs have them. Compared byte by byte. " +
      "Baseline: the same commands, three at a time, by `child_process.spawn`.",
    rows: [
      row("Incomplete outputs", "isComplete"),
      row("Wrong exit codes", "isExitCodeRight"),
      compare("Time per pane, with the session's start and end", milliseconds, perPane("panes"), {
        values: perPane("pipes"),
        of: "child_process and pipes",
      }),
    ],
    tables: [],
    notes: [],
  };
}

/** The batches of a round: all of them are spread evenly over the rounds. */
function batchesOf(round: number): number[] {
  const first = Math.floor((batches * round) / rounds);
  return Array.from({ length: Math.floor((batches * (round + 1)) / rounds) - first }, (_, index) => first + index);
}

/** The exit codes of a batch's panes; the last batch may be smaller. */
function codesOf(batch: number): number[] {
  return roles
    .map((_, index) => batch * roles.length + index)
    .filter((pane) => pane < paneCount)
    .map((pane) => pane % 256);
}

interface Round {
  readonly milliseconds: number;
  readonly outcomes: readonly Outcome[];
}

async function runRound(round: number, run: (batch: number) => Promise<readonly Outcome[]>): Promise<Round> {
  const outcomes: Outcome[] = [];
  const beganAt = performance.now();
  for (const batch of batchesOf(round)) outcomes.push(...(await run(batch)));
  return { milliseconds: performance.now() - beganAt, outcomes };
}

async function inPanes(root: string, user: UnixUser | undefined, batch: number): Promise<Outcome[]> {
  const codes = codesOf(batch);
  await using session = await startTmuxSession({
    name: "omx-bench",
    directory: join(root, `s${batch}`),
    roles: roles.slice(0, codes.length),
    marker: `JOB_ID=bench-${process.pid}-${batch}`,
    path,
    stopGraceMilliseconds: 2_000,
    maximumSpoolBytes: 1_000_000_000,
    signal: never,
  });
  return await Promise.all(
    [...session.panes.values()].map(async (pane, index) => {
      const chunks: Uint8Array[] = [];
      const onOutput = (bytes: Uint8Array) => void chunks.push(bytes);
      const command = { command: commandOf(codes[index]), environment, workingDirectory: "/", onOutput };
      const exit = await pane.run({ ...command, ...(user && { user }) }, never);
      return {
        isComplete: Buffer.concat(chunks).equals(shown),
        isExitCodeRight: exit.kind === "exited" && exit.exitCode === codes[index],
      };
    }),
  );
}

async function inPipe(code: number): Promise<Outcome> {
  const child = spawn("bash", ["-c", commandOf(code)], {
    env: environment,
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => chunks.push(bytes));
  const [exitCode] = await once(child, "close");
  return { isComplete: Buffer.concat(chunks).equals(printed), isExitCodeRight: exitCode === code };
}

function commandOf(code: number | undefined): string {
  return `seq 1 20000; exit ${code}`;
}
