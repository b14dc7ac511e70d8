import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { PATH, processesWith, run, startSession, uniqueName, waitForText } from "./session-under-test.ts";

test("A command sees the given environment, and what bash itself adds, and nothing else", async () => {
  await using started = await startSession(["planner"]);
  const environment = { PATH, JOB_TASK: "한 줄\n두 줄 = \"$HOME\" 'x'", EMPTY: "" };
  const { output } = await run(started.pane("planner"), "env -0 | tr '\\0\\n' '\\n|'", { environment });
  const lines = output.trimEnd().split("\r\n");
  expect(lines).toContain(`JOB_TASK=${environment.JOB_TASK.replace("\n", "|")}`);
  expect(lines).toContain("EMPTY=");
  expect(lines.map((line) => line.split("=")[0]).sort()).toEqual(["EMPTY", "JOB_TASK", "PATH", "PWD", "SHLVL", "_"]);
});

test("A command starts in its directory, on a terminal of 200 by 50 whose foreground it is", async () => {
  await using started = await startSession(["planner"]);
  const question = "pwd; tty </dev/stdin >/dev/null && stty size; ps -o stat= -p $$ | grep -c +";
  const { output } = await run(started.pane("planner"), question, { workingDirectory: "/usr" });
  expect(output).toBe("/usr\r\n49 200\r\n1\r\n");
});

test("A command has no descriptor but the terminal", async () => {
  await using started = await startSession(["planner"]);
  const { output } = await run(started.pane("planner"), "for fd in /proc/$$/fd/*; do readlink $fd; done");
  expect(output).toMatch(/^(\/dev\/pts\/\d+\r\n)\1{2}$/);
});

test("A command has every signal at its default and none blocked", async () => {
  await using started = await startSession(["planner"]);
  const { output } = await run(started.pane("planner"), "exec grep -E 'Sig(Blk|Ign)' /proc/self/status");
  expect(output).toBe("SigBlk:\t0000000000000000\r\nSigIgn:\t0000000000000000\r\n");
});

test("A command writes to /dev/tty, /dev/stdout and /dev/stderr", async () => {
  await using started = await startSession(["planner"]);
  const { output } = await run(started.pane("planner"), "echo 1 >/dev/tty; echo 2 >/dev/stdout; echo 3 >/dev/stderr");
  expect(output).toBe("1\r\n2\r\n3\r\n");
});

test("A secret of the environment is in no argument, in no environment but the command's, and not in tmux", async () => {
  await using started = await startSession(["planner"]);
  const secret = uniqueName();
  const ready = waitForText("working");
  const running = run(started.pane("planner"), "echo working; read line", {
    environment: { PATH, KEY: secret },
    ...ready,
  });
  await ready.seen;
  expect(await processesWith("cmdline", secret)).toEqual([]);
  const [holder, ...others] = await processesWith("environ", secret);
  expect(others).toEqual([]);
  expect(await readFile(`/proc/${holder}/cmdline`, "utf8")).toBe("bash\0-c\0echo working; read line\0");
  expect(await started.tmux("show-environment", "-g")).not.toContain(secret);
  expect(await started.tmux("show-environment")).not.toContain(secret);
  await started.tmux("send-keys", "-t", started.pane("planner").paneId, "Enter");
  await running;
});

test("The tmux server and the wrappers have nothing of the runner's environment", async () => {
  process.env.SECRET_OF_THE_RUNNER = uniqueName();
  await using started = await startSession(["planner"]);
  expect(await started.tmux("show-environment", "-g")).not.toContain("SECRET_OF_THE_RUNNER");
  const server = await started.tmux("display-message", "-p", "#{pid}");
  const environment = await readFile(`/proc/${server}/environ`, "utf8");
  const names = environment.split("\0").map((entry) => entry.split("=")[0]);
  expect(names.filter((name) => name !== "").sort()).toEqual(["HOME", "LANG", "PATH", "TERM"]);
  expect(await processesWith("environ", process.env.SECRET_OF_THE_RUNNER)).toEqual([]);
});
