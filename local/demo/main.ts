import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { execa } from "execa";
import { Job } from "../../core/job.ts";
import { installTools } from "../install-tools.ts";
import { readSettings } from "../settings.ts";
import { startStack } from "../stack.ts";
import { stopSignal } from "../stop-signal.ts";
import { demoJob } from "./demo-job.ts";
import { makeGitHost } from "./demo-repository.ts";
import { EventPrinter } from "./event-printer.ts";
import { followEvents } from "./follow-events.ts";

/** `npm run demo`: one job from request to outcome on the embedded stack. Exits with 0 if it succeeded. */
const write = (text: string) => void process.stdout.write(text);

installTools();
const succeeded = await demonstrate(stopSignal());
process.exit(succeeded ? 0 : 1);

/** Stops all that it has started also when it is told to stop. */
async function demonstrate(stopping: Promise<unknown>): Promise<boolean> {
  await using cleanUp = new AsyncDisposableStack();
  const gitHost = cleanUp.use(await makeGitHost());
  const workRoot = await mkdtemp(join(tmpdir(), "omx-demo-"));
  cleanUp.defer(() => rm(workRoot, { recursive: true, force: true }));
  // A runner that is root gives the panes to another user, who has to get there.
  await chmod(workRoot, 0o711);
  const settings = { ...readSettings(["--ephemeral"]), port: 0, workRoot, gitBaseUrl: gitHost.baseUrl };
  const stack = cleanUp.use(await startStack(settings, () => {}));
  write(`The embedded stack answers on ${stack.url}. POST /v1/jobs with this task: ${demoJob.task}\n\n`);

  return await Promise.race([runJob(stack.url, workRoot), stopping.then(() => false)]);
}

async function runJob(url: string, workRoot: string): Promise<boolean> {
  const job = await submit(url);
  const printer = new EventPrinter(write);
  let attachCommand = "";
  for await (const event of followEvents(`${url}${job.links.events}`)) {
    printer.print(event);
    if (event.type === "tmux_session_started") attachCommand = event.data.attachCommand;
  }
  const ended = Job.parse(await (await fetch(`${url}${job.links.self}`)).json());
  write(outcome(ended));
  write(`\nThe change:\n${await changes(join(workRoot, ended.jobId, "repo"))}\n`);
  write(
    `\nWith \`npm start\` the panes stay for you to look at:\n  ${attachCommand}\nThis demo now stops all that it started.\n`,
  );
  return ended.status === "succeeded";
}

async function submit(url: string): Promise<Job> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(demoJob) });
  if (response.status !== 202) throw new Error(`The job was not accepted: ${await response.text()}`);
  return Job.parse(await response.json());
}

function outcome(job: Job): string {
  const isGood = job.status === "succeeded";
  const word = styleText(isGood ? "green" : "red", job.status);
  const seconds = (Date.parse(job.endedAt ?? "") - Date.parse(job.createdAt)) / 1_000;
  const panes = job.panes.map((pane) => `${pane.role} ${pane.exitCode}`).join(", ");
  const reason = job.reason ? `\n${job.reason.message} ${job.reason.remedy}` : "";
  return `\nOutcome: ${word}, verified: ${job.verified}, in ${seconds.toFixed(1)} s. Exit codes: ${panes}.${reason}\n`;
}

/** As the agents' user, to whom the clone belongs: its configuration may name programs for git to run. */
async function changes(repository: string): Promise<string> {
  const { uid, gid } = await stat(repository);
  const env = { HOME: "/nonexistent" };
  const { stdout } = await execa("git", ["-C", repository, "diff", "--color=always"], { cwd: "/", env, uid, gid });
  return stdout;
}
