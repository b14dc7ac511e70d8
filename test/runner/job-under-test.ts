import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type * as z from "zod";
import type { JobRecord } from "../../core/job.ts";
import type { JobEvent } from "../../core/job-events.ts";
import { claimJob } from "../../core/lifecycle/claim-job.ts";
import { defaultSilenceMinutes } from "../../core/limits.ts";
import type { NewJob } from "../../core/new-job.ts";
import type { EventLog, JobStore, TenantSlots } from "../../core/ports.ts";
import type { Role } from "../../core/roles.ts";
import { resolveAgentUser } from "../../runner/agent-user.ts";
import type { RunnerSettings } from "../../runner/job-context.ts";
import { JobStop } from "../../runner/job-stop.ts";
import { runJob } from "../../runner/run-job.ts";
import { endKeptSession } from "../../runner/tmux/end-kept-session.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";
import { processesWith } from "../helpers/processes.ts";

export const PATH = process.env.PATH ?? "";

export interface Store {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
}

/** A claimed job, with a WORK_ROOT of its own, that can be run to its end. */
export interface JobUnderTest {
  readonly jobId: string;
  readonly stop: JobStop;
  readonly workRoot: string;
  readonly socketPath: string;
  run(): Promise<JobRecord>;
  /** Resolves as soon as such an event is stored. */
  stored(isIt: (event: JobEvent) => boolean): Promise<JobEvent>;
  events(): Promise<readonly JobEvent[]>;
  row(): Promise<JobRecord>;
  processes(): number[];
}

interface Given {
  readonly attempt?: number;
  readonly job?: Partial<z.input<typeof NewJob>>;
  readonly repositoryUrl?: string;
  readonly settings?: Partial<RunnerSettings>;
}

/** Everything of it is gone when the test is over. */
export async function claimedJob(
  store: Store,
  { attempt = 1, job, repositoryUrl, settings }: Given,
): Promise<JobUnderTest> {
  const spec = { ...jobSpec(job), ...(repositoryUrl && { repositoryUrl }) };
  const starting = queuedJob({ status: "starting", attempt }, spec);
  const { jobId, tenantId } = starting;
  await store.jobs.create(starting, spec);
  await store.slots.take(tenantId, jobId, 1);
  const now = () => new Date();
  const claim = { owner: `runner-of-${jobId}`, maxMinutes: spec.options.maxMinutes };
  const claimed = await claimJob({ jobs: store.jobs, now }, starting, claim);
  if (claimed === undefined) throw new Error("The job could not be claimed.");
  const workRoot = await makeWorkRoot(jobId);
  const all: RunnerSettings = {
    ...{ path: PATH, workRoot, skipClone: repositoryUrl === undefined, keepSessions: false, commands: {} },
    silenceMinutes: defaultSilenceMinutes,
    attachCommand: "tmux -S {socket} attach -t {session}",
    ...{ gitToken: undefined, gitBaseUrl: "https://github.com/", agentUser: await resolveAgentUser("nobody") },
    ...settings,
  };
  const stop = new JobStop();
  const watched = watchedLog(store.events);
  const row = async () => (await store.jobs.get(jobId)) as JobRecord;
  return {
    ...{ jobId, stop, workRoot, row, stored: watched.stored },
    socketPath: join(workRoot, jobId, "tmux", "tmux.sock"),
    async run() {
      await runJob({ jobs: store.jobs, events: watched.log, slots: store.slots, now }, all, claimed, spec, stop);
      return row();
    },
    events: () => store.events.read(jobId, 0, { events: 10_000, bytes: Number.MAX_SAFE_INTEGER }),
    processes: () => processesWith(`JOB_ID=${jobId}`),
  };
}

async function makeWorkRoot(jobId: string): Promise<string> {
  const workRoot = await mkdtemp(join(tmpdir(), "omx-run-"));
  await chmod(workRoot, 0o711);
  onTestFinished(async () => {
    const isKept = (await readdir(workRoot)).includes(jobId);
    if (isKept) await endKeptSession(join(workRoot, jobId, "tmux", "tmux.sock"), PATH);
    await rm(workRoot, { recursive: true });
  });
  return workRoot;
}

/** The log, with a word to those who wait for an event. */
function watchedLog(log: EventLog) {
  const seen: JobEvent[] = [];
  const waiting = new Set<() => void>();
  const watched: EventLog = {
    ...log,
    async put(batch) {
      const isStored = await log.put(batch);
      if (isStored) seen.push(...batch.events);
      for (const look of waiting) look();
      return isStored;
    },
  };
  function stored(isIt: (event: JobEvent) => boolean): Promise<JobEvent> {
    const { promise, resolve } = Promise.withResolvers<JobEvent>();
    const look = () => {
      const event = seen.find(isIt);
      if (event === undefined) return;
      waiting.delete(look);
      resolve(event);
    };
    waiting.add(look);
    look();
    return promise;
  }
  return { log: watched, stored };
}

export function outputOf(events: readonly JobEvent[], role: Role): string {
  return events.map((event) => (event.type === "pane_output" && event.role === role ? event.data.text : "")).join("");
}

/** An event of this type about this role. */
export function of(type: JobEvent["type"], role?: Role): (event: JobEvent) => boolean {
  return (event) => event.type === type && (role === undefined || event.role === role);
}

/** The same command for every role but those that are named. */
export function commands(others: string, own: Partial<Record<Role, string>> = {}) {
  return { planner: others, executor: others, verifier: others, ...own };
}
