import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { type TestTable, testTable } from "../helpers/table.ts";
import { claimedJob, commands, of } from "./job-under-test.ts";

let table: TestTable;

beforeAll(async () => {
  table = await testTable();
});

const agentCommands = commands("echo done: $JOB_ROLE");

/** What the socket's server says; of a server that is gone, that. */
async function tmux(attachCommand: string, ...args: string[]): Promise<string> {
  const socket = attachCommand.split(" ").slice(1, 3);
  const { all } = await execa("tmux", [...socket, ...args], { all: true, reject: false });
  return all;
}

async function attachCommandOf(job: Awaited<ReturnType<typeof claimedJob>>): Promise<string> {
  const event = await job.stored(of("tmux_session_started"));
  if (event.type !== "tmux_session_started") throw new Error("unreachable");
  expect(event.data.session).toBe(`omx-${job.jobId}`);
  return event.data.attachCommand;
}

test("While a job runs, its session shows a pane for each role, and those whose turn has not come say so.", async () => {
  const planner = "echo at work; until [ -e $JOB_DIR/go ]; do sleep 0.02; done";
  const job = await claimedJob(table, { job: { options: { agentCommands: { ...agentCommands, planner } } } });
  const running = job.run();
  const attachCommand = await attachCommandOf(job);
  await job.stored(of("pane_output", "planner"));
  const session = `omx-${job.jobId}`;
  expect(await tmux(attachCommand, "list-panes", "-t", session, "-F", "#{@role}")).toBe("planner\nexecutor\nverifier");
  const screen = (pane: number) => tmux(attachCommand, "capture-pane", "-p", "-t", `${session}:0.${pane}`);
  await expect.poll(() => screen(1)).toMatch(/executor waits.*planner/);
  await expect.poll(() => screen(2)).toMatch(/verifier waits.*planner/);
  expect(await screen(0)).toContain("at work");
  await execa("touch", [join(job.workRoot, job.jobId, "job", "go")]);
  expect(await running).toMatchObject({ status: "succeeded", tmuxSession: session });
});

test.each([
  ["the request wants it", { keepTmuxSession: true }, false],
  ["the deployment keeps sessions and the request says nothing", {}, true],
])("A session is kept with its screens and its files when %s.", async (_, options, keepSessions) => {
  const job = await claimedJob(table, { job: { options: { ...options, agentCommands } }, settings: { keepSessions } });
  expect((await job.run()).status).toBe("succeeded");
  const attachCommand = await attachCommandOf(job);
  const session = `omx-${job.jobId}`;
  expect(await tmux(attachCommand, "list-sessions", "-F", "#{session_name}")).toBe(session);
  expect(await tmux(attachCommand, "capture-pane", "-p", "-S", "-", "-t", `${session}:0.1`)).toContain(
    "done: executor",
  );
  expect((await readdir(join(job.workRoot, job.jobId))).sort()).toEqual(["home", "job", "repo", "tmux"]);
  // What agents print is not redacted there.
  expect(await readdir(join(job.workRoot, job.jobId, "tmux"))).toEqual(["tmux.sock"]);
  expect(job.processes()).toEqual([]);
});

test("A session is kept when its job has failed, too: that is when people want to look.", async () => {
  const options = { keepTmuxSession: true, agentCommands: { ...agentCommands, planner: "echo it broke; exit 1" } };
  const job = await claimedJob(table, { job: { options } });
  expect((await job.run()).status).toBe("failed");
  const attachCommand = await attachCommandOf(job);
  expect(await tmux(attachCommand, "capture-pane", "-p", "-S", "-", "-t", `omx-${job.jobId}:0.0`)).toContain(
    "it broke",
  );
});

test.each([
  ["the request does not want it", { keepTmuxSession: false }, true],
  ["neither the request nor the deployment does", {}, false],
])("Neither session nor files are left when %s.", async (_, options, keepSessions) => {
  const job = await claimedJob(table, { job: { options: { ...options, agentCommands } }, settings: { keepSessions } });
  expect((await job.run()).status).toBe("succeeded");
  expect(await tmux(await attachCommandOf(job), "list-sessions")).toMatch(
    /no server running|No such file|error connecting/,
  );
  await expect(access(job.socketPath)).rejects.toThrow("ENOENT");
  expect(await readdir(job.workRoot)).toEqual([]);
});
