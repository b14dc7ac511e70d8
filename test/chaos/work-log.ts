import { chmod, readFile, writeFile } from "node:fs/promises";
import { Role } from "../../core/roles.ts";
import type { PlannedJob } from "./plan.ts";

/** One sign of life of a job's command. */
interface Sign {
  readonly jobId: string;
  readonly attempt: number;
  readonly role: string;
  readonly word: "start" | "tick" | "end";
  readonly milliseconds: number;
}

const tickSeconds = 0.25;

/** A file that commands append to, outside of every workspace: it knows who worked when, whatever the service says. */
export async function makeWorkLog(file: string): Promise<void> {
  await writeFile(file, "");
  await chmod(file, 0o666);
}

/** Commands that say in the log that they start, live and end; each prints two lines that no other pane prints. */
export function workingCommands(job: PlannedJob, workLog: string): Record<Role, string> {
  const ticks = Math.max(1, Math.round(job.workMilliseconds / Role.options.length / 1_000 / tickSeconds));
  // One write of one short line at the end of a file is whole, whoever else writes.
  const sign = (word: Sign["word"]) => `echo "$JOB_ID $JOB_ATTEMPT $JOB_ROLE ${word} $EPOCHREALTIME" >> ${workLog}`;
  const command = [
    sign("start"),
    `echo "${job.name} $JOB_ROLE begins attempt $JOB_ATTEMPT"`,
    `for ((tick = 0; tick < ${ticks}; tick++)); do sleep ${tickSeconds}; ${sign("tick")}; done`,
    `echo "${job.name} $JOB_ROLE ends"`,
    sign("end"),
  ].join("\n");
  return { planner: command, executor: command, verifier: command };
}

/** What the pane of a role shows once its command has ended. */
export function expectedOutput(job: PlannedJob, role: Role, attempt: number): string {
  return `${job.name} ${role} begins attempt ${attempt}\r\n${job.name} ${role} ends\r\n`;
}

/** What the log says of one attempt. */
export interface Work {
  readonly jobId: string;
  readonly attempt: number;
  readonly from: number;
  readonly to: number;
  /** A role that began twice within the attempt. */
  readonly beganTwice: boolean;
  /** Its last command came to its end. */
  readonly isDone: boolean;
}

/** By job, in the order of the attempts. */
export async function readWork(file: string): Promise<Map<string, Work[]>> {
  const signs = (await readFile(file, "utf8")).trim().split("\n").map(parseSign);
  const byJob = new Map<string, Work[]>();
  for (const [jobId, ofJob] of Map.groupBy(signs, (sign) => sign.jobId)) {
    const byAttempt = [...Map.groupBy(ofJob, (sign) => sign.attempt)].toSorted(([first], [second]) => first - second);
    byJob.set(
      jobId,
      byAttempt.map(([attempt, ofAttempt]) => workOf(jobId, attempt, ofAttempt)),
    );
  }
  return byJob;
}

function workOf(jobId: string, attempt: number, signs: readonly Sign[]): Work {
  const times = signs.map(({ milliseconds }) => milliseconds);
  const starts = signs.filter(({ word }) => word === "start").map(({ role }) => role);
  return {
    ...{ jobId, attempt, from: Math.min(...times), to: Math.max(...times) },
    beganTwice: new Set(starts).size < starts.length,
    isDone: signs.some(({ role, word }) => role === "verifier" && word === "end"),
  };
}

function parseSign(line: string): Sign {
  const [jobId = "", attempt, role = "", word, seconds] = line.split(" ");
  if (word !== "start" && word !== "tick" && word !== "end") throw new Error(`The work log has a torn line: ${line}`);
  return { jobId, attempt: Number(attempt), role, word, milliseconds: Number(seconds) * 1_000 };
}
