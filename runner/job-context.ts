import type { JobRecord, JobSpec } from "../core/job.ts";
import type { NewJobEvent } from "../core/job-events.ts";
import type { Clock, JobStore } from "../core/ports.ts";
import type { Role } from "../core/roles.ts";
import type { JobEventWriter } from "./event-writer.ts";
import { claimOf } from "./heartbeat.ts";
import type { JobStop } from "./job-stop.ts";
import type { UnixUser } from "./pane/protocol.ts";
import { persistently } from "./persistently.ts";

/** What the runner is set to, for every job alike. */
export interface RunnerSettings {
  readonly path: string;
  readonly workRoot: string;
  readonly skipClone: boolean;
  readonly keepSessions: boolean;
  /** A pane that prints nothing for so long is ended. */
  readonly silenceMinutes: number;
  readonly gitToken: string | undefined;
  /** The host that the token is for, as the URL of one of its folders. */
  readonly gitBaseUrl: string;
  readonly agentUser: UnixUser | undefined;
  /** The template of the command by which people attach. */
  readonly attachCommand: string;
  /** `JOB_…_CMD` by name. */
  readonly commands: Readonly<Record<string, string>>;
}

/** The job that this runner has claimed, with all that its steps need. */
export class JobContext {
  readonly spec: JobSpec;
  readonly settings: RunnerSettings;
  readonly stop: JobStop;
  readonly events: JobEventWriter;
  readonly #jobs: JobStore;
  readonly #now: Clock;
  #record: JobRecord;
  #shown: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly record: JobRecord;
    readonly spec: JobSpec;
    readonly settings: RunnerSettings;
    readonly stop: JobStop;
    readonly events: JobEventWriter;
    readonly ports: { readonly jobs: JobStore; readonly now: Clock };
  }) {
    this.#record = parts.record;
    this.spec = parts.spec;
    this.settings = parts.settings;
    this.stop = parts.stop;
    this.events = parts.events;
    this.#jobs = parts.ports.jobs;
    this.#now = parts.ports.now;
  }

  /** The job's row as this runner last wrote it. */
  get record(): JobRecord {
    return this.#record;
  }

  /** Adds an event of now. Resolves when there is room for more. */
  emit<Type extends NewJobEvent["type"]>(
    type: Type,
    data: Extract<NewJobEvent, { type: Type }>["data"],
    role?: Role,
  ): Promise<void> {
    const ts = this.#now().toISOString();
    return this.events.write({ type, ts, ...(role && { role }), data } as NewJobEvent);
  }

  /** Notes how the panes stand; stored with the next progress, or with the job's end. */
  changePanes(panes: JobRecord["panes"]): void {
    this.#record = { ...this.#record, panes };
  }

  /** Shows how far the job is, in the order of the calls. Stops it if it has become somebody else's. */
  progress(changes: Pick<JobRecord, "stage" | "tmuxSession">): Promise<void> {
    const { jobId, panes } = this.#record;
    this.#record = { ...this.#record, ...changes };
    const update = () => this.#jobs.update(jobId, claimOf(this.#record), { ...changes, panes });
    this.#shown = this.#shown.then(async () => {
      const updated = await persistently(this.stop, update, { jobId });
      if (updated === undefined) this.stop.stop("superseded");
    });
    return this.#shown;
  }
}
