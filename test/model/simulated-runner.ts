import { Superseded } from "../../core/errors.ts";
import type { JobRecord } from "../../core/job.ts";
import type { NewJobEvent } from "../../core/job-events.ts";
import { appendEvents, type EventWriter } from "../../core/lifecycle/append-events.ts";
import { cancelled } from "../../core/lifecycle/cancel-job.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { type Ending, finishJob } from "../../core/lifecycle/finish-job.ts";
import type { FinishPorts } from "../../core/lifecycle/lifecycle-ports.ts";
import { requeueJob } from "../../core/lifecycle/requeue-job.ts";
import { idleRunnerSeconds, stopGraceMilliseconds } from "../../core/limits.ts";
import type { JobQueue } from "../../core/ports.ts";
import { reasonOf } from "../../core/reasons.ts";
import { claimOf } from "../../runner/heartbeat.ts";
import { output } from "../helpers/events.ts";
import { Outage } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { RunnerProcess } from "./runner-process.ts";
import type { Actor, Scheduler } from "./scheduler.ts";
import type { Task } from "./simulated-cluster.ts";
import { startHeartbeat } from "./simulated-heartbeat.ts";

/** How the agents of a job behave. */
export interface Work {
  readonly maxMinutes: number;
  /** Before each piece of output. */
  readonly pausesMilliseconds: readonly number[];
  readonly ending: Ending;
}

export interface RunnerParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly ports: FinishPorts & { readonly queue: JobQueue };
  readonly task: Task;
  readonly actor: Actor;
  readonly work: Work;
}

/** The steps of runner/main.ts, take-job.ts and run-job.ts with the real functions of the core, on simulated time. */
export async function simulateRunner(parts: RunnerParts): Promise<void> {
  const process = new RunnerProcess(parts.scheduler, parts.actor);
  const onSigterm = () => process.stop("shutdown");
  if (parts.task.sigterm.signal.aborted) onSigterm();
  parts.task.sigterm.signal.addEventListener("abort", onSigterm);
  const job = await takeJob(parts, process);
  if (job !== undefined) await runJob(parts, process, job);
}

async function takeJob({ ports, task, work }: RunnerParts, process: RunnerProcess): Promise<JobRecord | undefined> {
  const until = process.scheduler.now + idleRunnerSeconds * 1_000;
  while (process.scheduler.now < until && process.cause === undefined) {
    const message = await ports.queue.receive(task.sigterm.signal);
    if (message?.hint === undefined) {
      await process.sleepUnlessStopped(10_000);
      continue;
    }
    const taken = await claimJob(ports, message.hint, { owner: task.taskId, maxMinutes: work.maxMinutes });
    await message.delete().catch((error: unknown) => {
      if (!(error instanceof Outage)) throw error;
    });
    if (taken) return taken;
  }
  return undefined;
}

async function runJob(parts: RunnerParts, process: RunnerProcess, job: JobRecord): Promise<void> {
  const { ledger, ports, task, scheduler, actor, work } = parts;
  startHeartbeat(ports, job, process);
  const untilDeadline = Date.parse(job.deadlineAt ?? "") - ports.now().getTime();
  scheduler.after(actor, untilDeadline, () => process.stop("deadline"));
  const writer = { jobId: job.jobId, attempt: job.attempt, tail: undefined };
  // A runner that has been stopped by now starts no pane.
  if (process.cause === undefined) ledger.beginsWork(job, task.taskId);
  // What ends the panes is a signal and a clock: no call of a port can hold it up.
  const panesEnded = process.stopped.then(() => process.sleep(stopGraceMilliseconds));
  void panesEnded.then(() => ledger.endsWork(job, task.taskId));
  await workOn(parts, process, job, writer);
  if (process.cause !== undefined) await panesEnded;
  ledger.endsWork(job, task.taskId);
  await process.persistently(() =>
    process.cause === "shutdown"
      ? requeueJob(ports, job, "The runner was told to stop.")
      : finishJob(ports, job, endingOfStop(process) ?? work.ending, { writer }),
  );
}

async function workOn({ ports, work, task }: RunnerParts, process: RunnerProcess, job: JobRecord, writer: EventWriter) {
  const emit = (event: NewJobEvent) => append(ports, process, writer, event);
  await emit({ type: "runner_started", ts: ports.now().toISOString(), data: { owner: task.taskId } });
  const shown = await process.persistently(() => ports.jobs.update(job.jobId, claimOf(job), { stage: "work" }));
  if (shown === undefined) process.stop("superseded");
  for (const [index, pause] of work.pausesMilliseconds.entries()) {
    await process.sleepUnlessStopped(pause);
    if (process.cause !== undefined) return;
    await emit(output(`${job.attempt}.${index}`));
  }
}

/** As runner/event-writer.ts stores a batch: one id for all tries. */
async function append(
  { events }: FinishPorts,
  process: RunnerProcess,
  writer: EventWriter,
  event: NewJobEvent,
): Promise<void> {
  const batchId = crypto.randomUUID();
  await process.persistently(async () => {
    try {
      await appendEvents(events, writer, [event], batchId);
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      process.stop("superseded");
    }
  });
}

function endingOfStop({ cause }: RunnerProcess): Ending | undefined {
  if (cause === "cancelled") return cancelled("The job was cancelled while it ran.");
  if (cause !== "deadline") return undefined;
  return { status: "timed_out", reason: reasonOf("deadline_exceeded", "It took too long.") };
}
