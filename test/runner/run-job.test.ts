import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as z from "zod";
import type { JobOptions } from "../../core/new-job.ts";
import { seqs, upTo } from "../helpers/events.ts";
import { type GitHost, makeGitHost } from "../helpers/git-host.ts";
import { type TestTable, testTable } from "../helpers/table.ts";
import { claimedJob, commands, of, outputOf, PATH } from "./job-under-test.ts";

let store: TestTable;
let host: GitHost;
let tools: string;

/** Codex CLI as it answers to an argument that it does not know. */
const codex = "#!/bin/sh\necho \"error: unexpected argument '--gone' found\" >&2\nexit 2\n";

beforeAll(async () => {
  store = await testTable();
  host = await makeGitHost();
  await host.add("owner/name", { "a.txt": "one\n" });
  tools = await mkdtemp(join(tmpdir(), "omx-tools-"));
  await chmod(tools, 0o755);
  await mkdir(join(tools, "codex"));
  await writeFile(join(tools, "codex", "codex"), codex, { mode: 0o755 });
  await mkdir(join(tools, "git-only"));
  await symlink((await execa("which", ["git"])).stdout, join(tools, "git-only", "git"));
});

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await rm(tools, { recursive: true });
});

type Options = z.input<typeof JobOptions>;

const run = (options: Options, more: Parameters<typeof claimedJob>[1] = {}) =>
  claimedJob(store, { ...more, job: { ...more.job, options } });

describe("A team job", () => {
  test("is worked on by one role after the other in the clone, and its events tell all of it in order.", async () => {
    const agentCommands = {
      planner: 'echo "계획: $JOB_TASK 🙂"; cat a.txt > "$JOB_PLAN_FILE"; pwd',
      executor: 'cat "$JOB_PLAN_FILE"; echo two >> a.txt; git diff --stat | cat',
      verifier: "grep -q two a.txt && echo verified",
    };
    const job = await run({ agentCommands }, { repositoryUrl: `${host.baseUrl}owner/name`, job: { task: "작업" } });
    const row = await job.run();
    expect(row).toMatchObject({ status: "succeeded", reason: null, stage: "verifier", verdict: { verdict: "pass" } });
    expect(row.panes).toEqual(
      ["planner", "executor", "verifier"].map((role) => ({ role, status: "exited", exitCode: 0 })),
    );
    const events = await job.events();
    expect(seqs(events)).toEqual(upTo(events.length));
    const steps = events.filter(({ type }) => type !== "pane_output").map(({ type, role }) => [type, role]);
    expect(steps).toEqual([
      ...["runner_started", "git_clone_started", "git_clone_finished", "tmux_session_started"].map((type) => [
        type,
        undefined,
      ]),
      ...["planner", "executor", "verifier"].flatMap((role) => [
        ["pane_started", role],
        ["stage_finished", role],
      ]),
      ["verdict", "verifier"],
      ["job_finished", undefined],
    ]);
    expect(outputOf(events, "planner")).toBe(`계획: 작업 🙂\r\n${job.workRoot}/${job.jobId}/repo\r\n`);
    expect(outputOf(events, "executor")).toMatch(/^one\r\n a\.txt \| 1 \+/);
    expect(outputOf(events, "verifier")).toBe("verified\r\n");
    expect(row.lastSeq).toBe(events.length);
  });

  test("ends with its planner when that fails: nobody else begins.", async () => {
    const job = await run({ agentCommands: commands("true", { planner: "echo no; exit 3" }) });
    expect(await job.run()).toMatchObject({
      status: "failed",
      stage: "planner",
      verdict: null,
      reason: { code: "stage_failed", message: expect.stringContaining("planner exited with code 3") },
      panes: [
        { status: "exited", exitCode: 3 },
        { status: "waiting", exitCode: null },
        { status: "waiting", exitCode: null },
      ],
    });
    expect((await job.events()).filter(of("pane_started"))).toHaveLength(1);
  });

  test("fails by its verifier's word.", async () => {
    const job = await run({ agentCommands: commands("true", { verifier: "exit 1" }) });
    expect(await job.run()).toMatchObject({
      status: "failed",
      reason: { code: "verdict_failed" },
      verdict: { verdict: "fail", summary: "The verifier exited with code 1." },
    });
    expect((await job.events()).find(of("verdict"))?.data).toMatchObject({ verdict: "fail" });
  });

  test("tells by which signal a role was ended.", async () => {
    const job = await run({ agentCommands: commands("true", { executor: "kill -KILL $$" }) });
    expect(await job.run()).toMatchObject({
      reason: { code: "stage_failed", message: expect.stringContaining("SIGKILL") },
    });
    expect((await job.events()).find(of("stage_finished", "executor"))?.data).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
    });
  });
});

describe("A parallel job", () => {
  test("shows the end of a pane while others still run.", async () => {
    const waiting = 'until [ -e "$JOB_DIR/go" ]; do sleep 0.02; done';
    const agentCommands = { planner: "exit 3", executor: waiting, verifier: waiting };
    const job = await claimedJob(store, { job: { mode: "parallel", options: { agentCommands } } });
    const running = job.run();
    const planner = async () => (await job.row()).panes.find(({ role }) => role === "planner");
    await expect.poll(planner, { timeout: 30_000 }).toEqual({ role: "planner", status: "exited", exitCode: 3 });
    expect((await job.row()).panes.filter(({ status }) => status === "running")).toHaveLength(2);
    await writeFile(join(job.workRoot, job.jobId, "job", "go"), "");
    expect((await running).panes.map(({ exitCode }) => exitCode)).toEqual([3, 0, 0]);
  });

  test("has all its roles at work at once, and ends when all have.", async () => {
    const meet = (own: string) =>
      `touch $JOB_DIR/${own}; until [ -e $JOB_DIR/p -a -e $JOB_DIR/e -a -e $JOB_DIR/v ]; do sleep 0.02; done; echo met`;
    const agentCommands = { planner: meet("p"), executor: meet("e"), verifier: meet("v") };
    const job = await run({ agentCommands }, { job: { mode: "parallel" } });
    expect(await job.run()).toMatchObject({ status: "succeeded", verdict: { verdict: "pass" } });
    const events = await job.events();
    for (const role of ["planner", "executor", "verifier"] as const) expect(outputOf(events, role)).toBe("met\r\n");
  });

  test("lets the others go on when one fails, and fails with that one's reason.", async () => {
    const others = "until [ -e $JOB_DIR/failed ]; do sleep 0.02; done; echo done";
    const agentCommands = commands(others, { planner: "touch $JOB_DIR/failed; exit 4" });
    const job = await run({ agentCommands }, { job: { mode: "parallel" } });
    expect(await job.run()).toMatchObject({
      status: "failed",
      reason: { code: "stage_failed", message: expect.stringContaining("planner") },
      verdict: { verdict: "pass" },
    });
    expect(outputOf(await job.events(), "verifier")).toBe("done\r\n");
  });
});

describe("A job that cannot be worked on says why", () => {
  test("A role without a command.", async () => {
    const job = await run({ agentCommands: { planner: "true", executor: "true" } });
    expect((await job.run()).reason).toMatchObject({
      code: "no_agent_command",
      message: expect.stringContaining("JOB_CUSTOM_VERIFIER_CMD"),
    });
    // Before anything was begun that would have to be thrown away.
    expect((await job.events()).filter(of("pane_started"))).toEqual([]);
  });

  test("A command that does not exist.", async () => {
    const job = await run({ agentCommands: commands("no-such-agent --go") });
    expect((await job.run()).reason).toMatchObject({ code: "agent_not_found" });
  });

  test("A Codex CLI that knows an argument no longer, by the built-in command.", async () => {
    const path = `${tools}/codex:${PATH}`;
    const job = await run({}, { job: { provider: "codex" }, settings: { path } });
    expect((await job.run()).reason).toMatchObject({ code: "cli_usage", remedy: expect.stringContaining("Codex CLI") });
    expect(outputOf(await job.events(), "planner")).toBe("error: unexpected argument '--gone' found\r\n");
  });

  test("A repository that does not exist.", async () => {
    const job = await run({ agentCommands: commands("true") }, { repositoryUrl: `${host.baseUrl}owner/other` });
    expect((await job.run()).reason).toMatchObject({ code: "repository_not_found" });
    expect(await readdir(job.workRoot)).toEqual([]);
  });

  test("A runner without tmux.", async () => {
    const job = await run({ agentCommands: commands("true") }, { settings: { path: `${tools}/git-only` } });
    expect((await job.run()).reason).toMatchObject({ code: "tool_missing", message: expect.stringContaining("tmux") });
    expect(await readdir(job.workRoot)).toEqual([]);
  });
});

test("The deployment's commands are used where the request has none.", async () => {
  const settings = { commands: { JOB_PLANNER_CMD: "echo of the deployment", JOB_CUSTOM_VERIFIER_CMD: "true" } };
  const job = await run({ agentCommands: { executor: "true" } }, { settings });
  expect((await job.run()).status).toBe("succeeded");
  expect(outputOf(await job.events(), "planner")).toBe("of the deployment\r\n");
});

test("Output beyond the limit is cut for all roles together, its end kept, and the agent goes on.", async () => {
  const planner = "seq 1 50000; echo the end";
  const job = await run({ maxLogBytes: 50_000, agentCommands: commands("echo short", { planner }) });
  expect((await job.run()).status).toBe("succeeded");
  const events = await job.events();
  const text = outputOf(events, "planner");
  expect(text.startsWith("1\r\n2\r\n")).toBe(true);
  expect(text.endsWith("50000\r\nthe end\r\n")).toBe(true);
  const whole = `${Array.from({ length: 50_000 }, (_, index) => `${index + 1}\r\n`).join("")}the end\r\n`;
  const cut = events.find((event) => event.type === "output_truncated");
  expect(cut?.data).toEqual({ skippedBytes: whole.length - text.length });
  expect(outputOf(events, "verifier")).toBe("short\r\n");
  expect(events.filter(of("limit_hit", "planner"))).toHaveLength(1);
});

test("The git token is in no event, whoever prints it.", async () => {
  const gitToken = "ghp_0123456789abcdef";
  const halves = 'printf "%.9s" "$T"; sleep 0.02; printf "%s." "$(printf "%s" "$T" | cut -c10-)"';
  const planner = `printf "<$T>"; printf "%s" "$T" | base64; ${halves}; ${halves}`;
  const options = { env: { T: gitToken }, agentCommands: commands("true", { planner }) };
  const job = await run(options, { settings: { gitToken } });
  expect((await job.run()).status).toBe("succeeded");
  const name = "[redacted:GIT_TOKEN]";
  expect(outputOf(await job.events(), "planner")).toBe(`<${name}>${name}\r\n${name}.${name}.`);
  expect(JSON.stringify(await job.events())).not.toContain(gitToken);
});

test("Nothing that an agent leaves behind is alive when its stage is over.", async () => {
  const planner = `(setsid sh -c 'trap "" TERM; sleep 1000' >/dev/null 2>&1 &); sleep 1000 & echo done`;
  const job = await run({ agentCommands: commands("true", { planner }) });
  expect((await job.run()).status).toBe("succeeded");
  expect(job.processes()).toEqual([]);
});
