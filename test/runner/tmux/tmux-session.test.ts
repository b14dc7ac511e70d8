import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { readProcess } from "../../../runner/pane/process-table.ts";
import { ToolMissing } from "../../../runner/tmux/required-tools.ts";
import { PanesDidNotStart, startTmuxSession } from "../../../runner/tmux/start-tmux-session.ts";
import { never, PATH, processesNaming, run, startSession, waitForText } from "../pane/session-under-test.ts";

test("A session has one pane for each role, in order, titled with it and showing it", async () => {
  await using started = await startSession(["planner", "executor", "verifier"]);
  const { session } = started;
  const format = "#{pane_id} #{pane_pid} #{pane_title} #{@role} #{pane_pipe}";
  const expected = [...session.panes.values()].map(
    ({ paneId, wrapperPid, role }) => `${paneId} ${wrapperPid} ${role} ${role} 1`,
  );
  expect((await started.tmux("list-panes", "-F", format)).split("\n")).toEqual(expected);
  expect([...session.panes.keys()]).toEqual(["planner", "executor", "verifier"]);
  expect((await stat(started.directory)).mode & 0o777).toBe(0o700);
});

test.each([1, 2, 3, 7, 20])("With %i panes each has room to be read, and is captured", async (count) => {
  const roles = Array.from({ length: count }, (_, index) => `role-${index}-${"x".repeat(20)}`);
  await using started = await startSession(roles);
  const sizes = (await started.tmux("list-panes", "-F", "#{pane_width} #{pane_height}")).split("\n");
  for (const size of sizes) {
    const [width = 0, height = 0] = size.split(" ").map(Number);
    expect(width).toBeGreaterThanOrEqual(39);
    expect(height).toBeGreaterThanOrEqual(8);
  }
  const outputs = await Promise.all(roles.map((role) => run(started.pane(role), `echo ${role}`)));
  expect(outputs.map(({ output }) => output)).toEqual(roles.map((role) => `${role}\r\n`));
});

test("The longest names in the longest directory fit", async () => {
  await using directory = await temporaryDirectory();
  const longest = join(directory.path, "d".repeat(107 - directory.path.length - "//control.sock".length));
  const roles = Array.from({ length: 20 }, (_, index) => String(index).padStart(64, "r"));
  await using session = await startTmuxSession({ ...optionsFor(longest), name: "n".repeat(64), roles });
  expect([...session.panes.keys()]).toEqual(roles);
});

test("Someone who attaches while a command runs sees the panes, and does not resize them", async () => {
  await using started = await startSession(["planner", "executor"]);
  started.pane("executor").say("실행을 기다리는 중");
  const ready = waitForText("working");
  const stopping = new AbortController();
  const running = run(started.pane("planner"), "echo working; exec sleep 3600", { ...ready, signal: stopping.signal });
  await ready.seen;
  const size = () => started.tmux("display-message", "-p", "#{window_width}x#{window_height}");
  expect(await size()).toBe("200x50");
  const attach = `stty cols 90 rows 30; exec env LANG=C.UTF-8 TERM=xterm-256color SSH_AUTH_SOCK=/a/watchers/own tmux -S ${started.session.socketPath} attach -r`;
  const watcher = execa("script", ["-qec", attach, "/dev/null"], { stdin: "pipe", reject: false });
  let screen = "";
  watcher.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
  });
  await expect.poll(() => screen, { timeout: 5_000 }).toContain("working");
  expect(screen).toContain("planner");
  expect(await started.tmux("list-clients", "-F", "#{client_width}x#{client_height}")).toBe("90x30");
  expect(await size()).toBe("200x50");
  expect(await started.tmux("show-environment")).not.toContain("SSH_AUTH_SOCK");
  await started.tmux("detach-client", "-s", "omx-test");
  await watcher;
  stopping.abort();
  await running;
});

test("Disposing ends the tmux server before it resolves, and removes all files", async () => {
  await using started = await startSession(["planner", "executor"]);
  const server = Number(await started.tmux("display-message", "-p", "#{pid}"));
  await started.session[Symbol.asyncDispose]();
  expect(await readProcess(server)).toBeUndefined();
  for (const { wrapperPid } of started.session.panes.values()) expect(await readProcess(wrapperPid)).toBeUndefined();
  expect(await readdir(started.directory)).toEqual([]);
});

test("Disposing also ends what people opened in the session, and a session whose panes they closed", async () => {
  await using opened = await startSession(["planner"]);
  await opened.tmux("new-window", "sleep 3600");
  const server = Number(await opened.tmux("display-message", "-p", "#{pid}"));
  await opened.session[Symbol.asyncDispose]();
  expect(await readProcess(server)).toBeUndefined();

  await using closed = await startSession(["planner"]);
  await closed.tmux("kill-pane");
  await closed.session[Symbol.asyncDispose]();
  expect(await readdir(closed.directory)).toEqual([]);
});

test("A session cannot be kept while a command runs", async () => {
  await using started = await startSession(["planner"]);
  const stopping = new AbortController();
  const running = run(started.pane("planner"), "exec sleep 3600", { signal: stopping.signal });
  await expect(started.session.keep()).rejects.toThrow("Cannot keep a session while commands run: planner");
  stopping.abort();
  await running;
});

test.each(["tmux", "perl", "bash"] as const)("Without %s the error says what to install", async (missing) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "bin");
  await mkdir(path);
  for (const tool of ["tmux", "perl", "bash"]) if (tool !== missing) await symlink("/bin/true", join(path, tool));
  const starting = startTmuxSession({ ...optionsFor(join(directory.path, "tmux")), path });
  await expect(starting).rejects.toThrow(ToolMissing);
  await expect(starting).rejects.toThrow(`apt-get install ${missing}`);
});

test("An aborted start leaves nothing behind", async () => {
  await using directory = await temporaryDirectory();
  const session = join(directory.path, "tmux");
  const reason = new Error("the job was cancelled");
  await expect(startTmuxSession({ ...optionsFor(session), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await readdir(session)).toEqual([]);
});

test("Wrappers that cannot start are told of with what they printed, and nothing is left behind", async () => {
  await using directory = await temporaryDirectory();
  const bin = join(directory.path, "bin");
  const session = join(directory.path, "tmux");
  await mkdir(bin);
  await writeFile(join(bin, "perl"), "#!/bin/sh\necho this perl is broken; exec sleep 3600\n", { mode: 0o755 });
  const starting = startTmuxSession({ ...optionsFor(session), path: `${bin}:${PATH}` });
  await expect(starting).rejects.toThrow(PanesDidNotStart);
  await expect(starting).rejects.toThrow("this perl is broken");
  expect(await readdir(session)).toEqual([]);
  expect(await processesNaming(session)).toEqual([]);
});

test("Two sessions do not share a directory", async () => {
  await using started = await startSession(["planner"]);
  await expect(startTmuxSession(optionsFor(started.directory))).rejects.toThrow("EEXIST");
  expect((await run(started.pane("planner"), "echo alive")).output).toBe("alive\r\n");
});

function optionsFor(directory: string) {
  return {
    name: "omx-test",
    directory,
    roles: ["planner"],
    marker: "JOB_ID=none",
    path: PATH,
    signal: never,
    stopGraceMilliseconds: 300,
    maximumSpoolBytes: 1_000_000,
  };
}

async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), "omx-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
