import { describe, expect, test } from "vitest";
import type { PaneHandle } from "../../../runner/pane/pane.ts";
import { readProcess, readProcessTable } from "../../../runner/pane/process-table.ts";
import {
  agent,
  PATH,
  processesNaming,
  run,
  type SessionUnderTest,
  startSession,
  uniqueName,
  waitForText,
} from "./session-under-test.ts";

describe("when a pane's process is killed", () => {
  test.each([
    ["guard", (pane: PaneHandle) => pane.wrapperPid],
    ["wrapper", findWrapper],
  ])("the %s, the run is lost, what it had printed is kept, and nothing of it survives", async (_, find) => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    const name = uniqueName();
    const ready = waitForText("left six");
    const running = run(pane, agent("leaves-daemons", name, "stay"), ready);
    await ready.seen;
    process.kill(await find(pane), "SIGKILL");
    expect((await running).exit).toMatchObject({
      kind: "lost",
      reason: "wrapper_died",
      detail: "The pane was closed, or the process that runs its command was killed.",
      outputBytes: "left six\r\n".length,
    });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("what it had printed is kept to the last byte, also one that might have begun the end marker", async () => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    const ready = waitForText("working");
    let output = "";
    const running = run(pane, "printf 'working\\e]7777;end;'; exec sleep 3600", {
      onOutput(bytes, offset) {
        output += Buffer.from(bytes).toString();
        return ready.onOutput(bytes, offset);
      },
    });
    await ready.seen;
    process.kill(pane.wrapperPid, "SIGKILL");
    expect((await running).exit).toMatchObject({ kind: "lost", outputBytes: output.length });
    expect(output).toBe("working\x1b]7777;end;");
  });

  test("guard and wrapper at once, all that carries the job's marker is killed", async () => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    const name = uniqueName();
    const ready = waitForText("working");
    const environment = { PATH, JOB_ID: started.jobId };
    const daemon = `(setsid bash -c '(exec -a "$0" sleep 3600) & exit' ${name} </dev/null >/dev/null 2>&1 &)`;
    const running = run(pane, `${daemon}; ${agent("ignores-term", name)}`, { environment, ...ready });
    await ready.seen;
    await expect.poll(async () => (await processesNaming(name)).length).toBeGreaterThanOrEqual(3);
    const wrapper = await findWrapper(pane);
    process.kill(pane.wrapperPid, "SIGKILL");
    process.kill(wrapper, "SIGKILL");
    expect((await running).exit).toMatchObject({ kind: "lost", reason: "wrapper_died" });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("a command in another pane of the same job goes on", async () => {
    await using started = await startSession(["planner", "executor"]);
    const environment = { PATH, JOB_ID: started.jobId };
    const [planner, executor] = [started.pane("planner"), started.pane("executor")];
    const planning = run(planner, agent("forever", uniqueName()), { environment });
    const ready = waitForText("working");
    const executing = run(executor, "echo working; setsid sleep 3600 & read line; exit 7", { environment, ...ready });
    await ready.seen;
    process.kill(planner.wrapperPid, "SIGKILL");
    expect((await planning).exit).toMatchObject({ kind: "lost", reason: "wrapper_died" });
    await started.tmux("send-keys", "-t", executor.paneId, "Enter");
    expect((await executing).exit).toMatchObject({ kind: "exited", exitCode: 7 });
  });

  test("before a run, the run is lost at once", async () => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    const wrapper = await findWrapper(pane);
    process.kill(pane.wrapperPid, "SIGKILL");
    await expect.poll(() => readProcess(wrapper)).toBeUndefined();
    expect((await run(pane, "true")).exit).toMatchObject({ kind: "lost", reason: "wrapper_died", outputBytes: 0 });
    expect((await run(pane, "true")).exit).toMatchObject({ kind: "lost", reason: "wrapper_died", outputBytes: 0 });
  });
});

test("A wrapper that was suspended is killed with all below it when it does not stop its command in time", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const name = uniqueName();
  const ready = waitForText("left six");
  const stopping = new AbortController();
  // No marker in the environment: all of it is found as the wrapper's descendants.
  const running = run(pane, agent("leaves-daemons", name, "stay"), { ...ready, signal: stopping.signal });
  await ready.seen;
  process.kill(await findWrapper(pane), "SIGSTOP");
  stopping.abort();
  expect((await running).exit).toMatchObject({ kind: "lost", reason: "wrapper_unresponsive" });
  expect(await processesNaming(name)).toEqual([]);
});

describe("when the recorder of a pane is killed", () => {
  test("while a command runs, the command is stopped and the run is lost", async () => {
    await using started = await startSession(["planner"]);
    const name = uniqueName();
    const ready = waitForText("working");
    const running = run(started.pane("planner"), agent("ignores-term", name, "loudly"), ready);
    await ready.seen;
    await killRecorder(started);
    expect((await running).exit).toMatchObject({ kind: "lost", reason: "capture_failed" });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("and the command ends by itself, the run is lost and not taken for complete", async () => {
    await using started = await startSession(["planner"]);
    await killRecorder(started);
    const { exit } = await run(started.pane("planner"), "echo unseen");
    expect(exit).toMatchObject({ kind: "lost", reason: "capture_failed", outputBytes: 0 });
  });
});

test("A recorder that hangs makes the run lost, too", async () => {
  await using started = await startSession(["planner"]);
  const recorder = await findRecorder(started);
  process.kill(recorder, "SIGSTOP");
  const { exit } = await run(started.pane("planner"), "echo unseen");
  process.kill(recorder, "SIGKILL");
  expect(exit).toMatchObject({ kind: "lost", reason: "capture_failed", outputBytes: 0 });
});

test("The end of the tmux server ends every command, and their runs are lost", async () => {
  await using started = await startSession(["planner", "executor"]);
  const name = uniqueName();
  const ready = [waitForText("left six"), waitForText("working")] as const;
  const runs = [
    run(started.pane("planner"), agent("leaves-daemons", name, "stay"), ready[0]),
    run(started.pane("executor"), agent("ignores-term", name), ready[1]),
  ];
  await Promise.all(ready.map(({ seen }) => seen));
  process.kill(Number(await started.tmux("display-message", "-p", "#{pid}")), "SIGKILL");
  for (const { exit } of await Promise.all(runs)) expect(exit).toMatchObject({ kind: "lost", reason: "wrapper_died" });
  expect(await processesNaming(name)).toEqual([]);
});

test("Disposing a session while commands run ends them all, and their runs tell so", async () => {
  const name = uniqueName();
  const started = await startSession(["planner", "executor"]);
  const ready = [waitForText("left six"), waitForText("working")] as const;
  const runs = [
    run(started.pane("planner"), agent("leaves-daemons", name, "stay"), ready[0]),
    run(started.pane("executor"), agent("ignores-term", name), ready[1]),
  ];
  await Promise.all(ready.map(({ seen }) => seen));
  await started[Symbol.asyncDispose]();
  expect(await processesNaming(name)).toEqual([]);
  for (const { exit } of await Promise.all(runs)) expect(exit).toMatchObject({ kind: "signalled", reason: "stopped" });
  expect(await readProcess(started.pane("planner").wrapperPid)).toBeUndefined();
});

/** The child of a pane's own process. */
async function findWrapper(pane: PaneHandle): Promise<number> {
  const children = [...(await readProcessTable()).values()].filter((entry) => entry.parentId === pane.wrapperPid);
  expect(children).toHaveLength(1);
  return children[0]?.processId ?? 0;
}

async function killRecorder(started: SessionUnderTest): Promise<void> {
  process.kill(await findRecorder(started), "SIGKILL");
}

/** The only child of the tmux server that is not the wrapper. */
async function findRecorder(started: SessionUnderTest): Promise<number> {
  const server = Number(await started.tmux("display-message", "-p", "#{pid}"));
  const children = [...(await readProcessTable()).values()].filter((entry) => entry.parentId === server);
  const recorder = children.find((entry) => entry.processId !== started.pane("planner").wrapperPid);
  if (!recorder) throw new Error("No recorder");
  return recorder.processId;
}
