import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import type { Job } from "../core/job.ts";
import type { JobEvent } from "../core/job-events.ts";
import { EventPage } from "../openapi/routes.ts";
import { bareFirstOutput } from "./first-output-baseline.ts";
import { childrenNaming, commandLine, cpuTicks } from "./processes.ts";
import { compare, milliseconds, type Report } from "./report.ts";
import { type Service, startService } from "./service.ts";
import { alternate, median } from "./statistics.ts";

const rounds = 12;
/** Asking costs the stack a few milliseconds of CPU, which the job then does not have. */
const askEveryMilliseconds = 10;
const cluster = "omx-web-local";
const taskDefinition = "omx-web-runner";
/** Prints, and stays until it is looked at: what comes after the first output is not measured. */
const command = "echo here; sleep 0.3";

/** From the submission of a job to its first output over HTTP, with a runner started for it and with a waiting one. */
export async function measureFirstOutput(cleanUp: AsyncDisposableStack): Promise<Report> {
  const service = await startService(cleanUp);
  const ecs = new ECSClient({ endpoint: service.stack.ecsEndpoint });
  cleanUp.defer(() => ecs.destroy());
  const withStartedRunner = async () => {
    await stopRunners(ecs);
    return firstOutput(service, ecs);
  };
  const withWaitingRunner = async () => {
    await stopRunners(ecs);
    await startWaitingRunner(ecs);
    return firstOutput(service, ecs);
  };
  const bare = () => bareFirstOutput(`${service.gitBaseUrl}demo/greeter`, command);

  await withStartedRunner();
  await bare();
  const taken = await alternate(rounds, { bare, started: withStartedRunner, again: bare, waiting: withWaitingRunner });
  const baseline = { values: [...taken.bare, ...taken.again], of: "bare Node, git clone, tmux" };
  const times = (outputs: readonly FirstOutput[]) => outputs.map((output) => output.milliseconds);
  const nodeMilliseconds = await runnerLoadTime(ecs);
  await stopRunners(ecs);
  return {
    title: "First output",
    method:
      `From \`POST /v1/jobs\` until a page of the job's events holds a \`pane_output\`, asked for every ${askEveryMilliseconds} ms. Baseline: a ` +
      "`node -e` that clones the same repository, starts a tmux session with a recorded pane, and ends at the " +
      `recording's first byte. ${rounds} rounds.`,
    rows: [
      compare("First output, runner started for the job", milliseconds, times(taken.started), baseline, { atMost: 5 }),
      compare("First output, runner already waiting", milliseconds, times(taken.waiting), baseline, { atMost: 2.5 }),
    ],
    tables: [
      {
        title: "Moments after the submission (medians; the clone and the session go on at the same time)",
        head: ["moment", "runner started for the job", "runner already waiting"],
        lines: momentMedians(taken.started, taken.waiting),
      },
    ],
    notes: [
      `Starting Node and loading the runner's bundle alone, until it reads its environment: ${milliseconds(nodeMilliseconds)}.`,
    ],
  };
}

/** The moments that the job's events tell. */
const eventOf = {
  "job claimed": "runner_started",
  "clone begun": "git_clone_started",
  "clone finished": "git_clone_finished",
  "tmux session started, all panes ready": "tmux_session_started",
  "command started in its pane": "pane_started",
  "first bytes taken from the pane": "pane_output",
} as const satisfies Record<string, JobEvent["type"]>;

interface FirstOutput {
  readonly milliseconds: number;
  /** Milliseconds after the submission, by the name of the moment, in their usual order. */
  readonly moments: Readonly<Record<string, number>>;
}

function momentMedians(...columns: readonly (readonly FirstOutput[])[]): string[][] {
  const names = Object.keys(columns[0]?.[0]?.moments ?? {});
  const cell = (outputs: readonly FirstOutput[], name: string) =>
    milliseconds(median(outputs.map((output) => output.moments[name] ?? Number.NaN)));
  return names.map((name) => [name, ...columns.map((outputs) => cell(outputs, name))]);
}

async function firstOutput(service: Service, ecs: ECSClient): Promise<FirstOutput> {
  const submittedAt = Date.now();
  const beganAt = performance.now();
  const job = await service.submit(command);
  const accepted = performance.now() - beganAt;
  while (!(await hasOutput(service, job))) await delay(askEveryMilliseconds);
  const took = performance.now() - beganAt;
  const events = await service.events(job);
  const told = Object.entries(eventOf).map(([name, type]) => {
    // Whole milliseconds of the same machine's clock.
    const ts = events.find((event) => event.type === type)?.ts ?? "";
    return [name, Date.parse(ts) - submittedAt];
  });
  return {
    milliseconds: took,
    moments: {
      "request answered": accepted,
      "process of the launched runner created": (await processCreatedAt(ecs, job)) - submittedAt,
      ...Object.fromEntries(told),
      "page with them read over HTTP": took,
    },
  };
}

async function hasOutput(service: Service, job: Job): Promise<boolean> {
  const response = await fetch(`${service.url}${job.links.events}?types=pane_output`);
  return EventPage.parse(await response.json()).events.length > 0;
}

/** When the runner that was launched for the job (which need not be the one that ran it) had a process. */
async function processCreatedAt(ecs: ECSClient, job: Job): Promise<number> {
  const mine = { cluster, startedBy: `${job.jobId}-1` };
  const running = await ecs.send(new ListTasksCommand(mine));
  const stopped = await ecs.send(new ListTasksCommand({ ...mine, desiredStatus: "STOPPED" }));
  const tasks = [...(running.taskArns ?? []), ...(stopped.taskArns ?? [])];
  const described = await ecs.send(new DescribeTasksCommand({ cluster, tasks }));
  return described.tasks?.[0]?.startedAt?.getTime() ?? Number.NaN;
}

async function stopRunners(ecs: ECSClient): Promise<void> {
  const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster }));
  for (const task of taskArns) await ecs.send(new StopTaskCommand({ cluster, task }));
  while ((await runners()).length > 0) await delay(20);
}

/** A runner that has gone quiet is one that waits for the queue's answer. */
async function startWaitingRunner(ecs: ECSClient): Promise<void> {
  await ecs.send(new RunTaskCommand({ cluster, taskDefinition }));
  const processId = await onlyRunner();
  let [ticks, quietSince] = [0, performance.now()];
  while (performance.now() - quietSince < 250) {
    const now = await cpuTicks(processId);
    if (now !== ticks) [ticks, quietSince] = [now, performance.now()];
    await delay(20);
  }
}

function runners(): Promise<number[]> {
  return childrenNaming("runner/main.mjs");
}

async function onlyRunner(): Promise<number> {
  for (;;) {
    const [processId] = await runners();
    if (processId !== undefined) return processId;
    await delay(5);
  }
}

/** Without its settings the runner ends as soon as it has been loaded. */
async function runnerLoadTime(ecs: ECSClient): Promise<number> {
  await startWaitingRunner(ecs);
  const processId = await onlyRunner();
  const [node = "", bundle = ""] = await commandLine(processId);
  const NODE_COMPILE_CACHE = bundle.replace(/\/runner\/main\.mjs$/, "");
  const { load } = await alternate(5, {
    async load() {
      const beganAt = performance.now();
      await promisify(execFile)(node, [bundle], { env: { NODE_COMPILE_CACHE } }).catch(() => undefined);
      return performance.now() - beganAt;
    },
  });
  return median(load);
}
