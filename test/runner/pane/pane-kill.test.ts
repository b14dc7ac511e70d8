import { describe, expect, test } from "vitest";
import { agent, PATH, processesNaming, run, startSession, uniqueName, waitForText } from "./session-under-test.ts";

describe("the end of a command", () => {
  test("is the end of everything it left behind: background, nohup, session, daemon, empty environment, respawner", async () => {
    await using started = await startSession(["planner"]);
    const name = uniqueName();
    const { exit, output } = await run(started.pane("planner"), agent("leaves-daemons", name));
    expect(output).toContain("left six");
    expect(exit).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("is the end of a process that forks and exits without pause", async () => {
    await using started = await startSession(["planner"]);
    const name = uniqueName();
    await run(started.pane("planner"), agent("runs-away", name));
    expect(await processesNaming(name)).toEqual([]);
  });
});

describe("stopping", () => {
  test.each([
    ["forever", [], "SIGTERM"],
    ["leaves-daemons", ["stay"], "SIGTERM"],
    ["ignores-term", [], "SIGKILL"],
  ] as const)("ends %s and all it started, with %s %s", async (agentName, args, signal) => {
    await using started = await startSession(["planner"]);
    const name = uniqueName();
    const ready = waitForText(agentName === "leaves-daemons" ? "left six" : "working");
    const stopping = new AbortController();
    const running = run(started.pane("planner"), agent(agentName, name, ...args), {
      ...ready,
      signal: stopping.signal,
    });
    await ready.seen;
    await expect.poll(() => processesNaming(name)).not.toEqual([]);
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal, reason: "stopped" });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("gives a child its grace also when its parent ends at once", async () => {
    await using started = await startSession(["planner"], { stopGraceMilliseconds: 10_000 });
    const ready = waitForText("working");
    const stopping = new AbortController();
    const saves = `bash -c 'trap "sleep 0.2; echo saved >/dev/tty; exit" TERM; echo working; while :; do sleep 0.05; done'`;
    let output = "";
    const running = run(started.pane("planner"), `${saves}; true`, {
      onOutput(bytes, offset) {
        output += Buffer.from(bytes).toString();
        return ready.onOutput(bytes, offset);
      },
      signal: stopping.signal,
    });
    await ready.seen;
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGTERM", reason: "stopped" });
    expect(output).toContain("saved");
  });

  test("reaches a process that someone suspended", async () => {
    await using started = await startSession(["planner"], { stopGraceMilliseconds: 10_000 });
    const stopping = new AbortController();
    const ready = waitForText("working");
    const running = run(started.pane("planner"), "echo working; kill -STOP $$", { ...ready, signal: stopping.signal });
    await ready.seen;
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGTERM", reason: "stopped" });
  });

  test("before the start lets the command get no further than its grace", async () => {
    await using started = await startSession(["planner"]);
    const { exit } = await run(started.pane("planner"), "exec sleep 3600", { signal: AbortSignal.abort() });
    expect(exit).toMatchObject({ kind: "signalled", signal: "SIGTERM", reason: "stopped" });
  });

  test("leaves the other pane alone", async () => {
    await using started = await startSession(["planner", "executor"]);
    const name = uniqueName();
    const stopping = new AbortController();
    const planner = run(started.pane("planner"), agent("forever", name), { signal: stopping.signal });
    const ready = waitForText("working");
    const executor = run(started.pane("executor"), "echo working; read line; exit 7", {
      ...ready,
      environment: { PATH, JOB_ID: started.jobId },
    });
    await ready.seen;
    stopping.abort();
    expect((await planner).exit).toMatchObject({ reason: "stopped" });
    await started.tmux("send-keys", "-t", started.pane("executor").paneId, "Enter");
    expect((await executor).exit).toMatchObject({ kind: "exited", exitCode: 7 });
  });
});
