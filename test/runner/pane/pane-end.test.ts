import { expect, test } from "vitest";
import { agent, PATH, run, startSession, waitForText } from "./session-under-test.ts";

test("Exit codes and signals are the command's own, in one pane after the other", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  for (const exitCode of [0, 3, 127, 255]) {
    expect((await run(pane, `exit ${exitCode}`)).exit).toMatchObject({ kind: "exited", exitCode, reason: null });
  }
  for (const signal of ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGPIPE"]) {
    const { exit } = await run(pane, `kill -${signal.slice(3)} $$`);
    expect(exit).toMatchObject({ kind: "signalled", signal, reason: null });
  }
  expect((await run(pane, agent("prints-129kb", "3"))).exit).toMatchObject({ exitCode: 3, outputBytes: 128_894 });
});

test("A command that cannot start ends as a shell would say it, with the reason on the pane", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const nowhere = await run(pane, "true", { workingDirectory: "/does/not/exist" });
  expect(nowhere.exit).toMatchObject({ kind: "exited", exitCode: 126 });
  expect(nowhere.output).toContain("cannot enter /does/not/exist: No such file or directory");
  const missing = await run(pane, "does-not-exist --version");
  expect(missing.exit).toMatchObject({ kind: "exited", exitCode: 127 });
  expect(missing.output).toContain("does-not-exist: command not found");
  // Linux takes no single argument or variable of 128 KiB or more.
  const tooLong = await run(pane, "true", { environment: { PATH, TASK: "x".repeat(131_072) } });
  expect(tooLong.exit).toMatchObject({ kind: "exited", exitCode: 126 });
  expect(tooLong.output).toContain("Argument list too long");
});

test("The largest variable that Linux takes reaches the command whole", async () => {
  await using started = await startSession(["planner"]);
  const task = "과제".repeat(20_000);
  const { output } = await run(started.pane("planner"), 'printf %s "$TASK" | wc -c', {
    environment: { PATH, TASK: task },
  });
  expect(output.trim()).toBe("120000");
});

test("Two panes run at once", async () => {
  await using started = await startSession(["planner", "executor"]);
  const [planner, executor] = [started.pane("planner"), started.pane("executor")];
  const planning = waitForText("planning");
  const planned = run(planner, "echo planning; read line; exit 4", planning);
  await planning.seen;
  expect((await run(executor, "echo executing; exit 5")).exit).toMatchObject({ exitCode: 5 });
  await started.tmux("send-keys", "-t", planner.paneId, "Enter");
  expect((await planned).exit).toMatchObject({ exitCode: 4 });
});

test("A pane takes one command at a time", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const ending = new AbortController();
  const running = run(pane, "exec sleep 3600", { signal: ending.signal });
  await expect(run(pane, "true")).rejects.toThrow("The pane of planner is running a command");
  ending.abort();
  await running;
});

test("Ctrl-C of someone who is attached reaches the command and not the pane", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  await started.tmux("send-keys", "-t", pane.paneId, "C-c");
  await expect.poll(() => started.screen("planner")).toEqual(["^C"]);
  const working = waitForText("working");
  const running = run(pane, "echo working; exec sleep 3600", working);
  await working.seen;
  await started.tmux("send-keys", "-t", pane.paneId, "C-c");
  expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGINT", reason: null });
  expect((await run(pane, "echo alive")).output).toBe("alive\r\n");
});

test("Ctrl-C of someone who is attached discards no output of a command that goes on", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const working = waitForText("working");
  let output = "";
  const running = run(pane, "trap '' INT; stty -echo; echo working; seq 1 400000", {
    onOutput(bytes, offset) {
      output += Buffer.from(bytes).toString();
      return working.onOutput(bytes, offset);
    },
  });
  await working.seen;
  for (let typed = 0; typed < 20; typed += 1) {
    await started.tmux("send-keys", "-t", pane.paneId, ...Array.from({ length: 50 }, () => "C-c"));
  }
  await running;
  expect(output).toBe(["working", ...Array.from({ length: 400_000 }, (_, index) => index + 1), ""].join("\r\n"));
});

test("A command that no process could be given is refused before anything runs", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  await expect(run(pane, "true", { environment: { NAME: "a\0INJECTED=b" } })).rejects.toThrow(TypeError);
  expect((await run(pane, "exit 6")).exit).toMatchObject({ exitCode: 6 });
});
