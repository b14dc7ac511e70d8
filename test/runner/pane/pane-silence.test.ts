import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { SilenceLimit } from "../../../runner/pane/pane.ts";
import { processesWith } from "../../helpers/processes.ts";
import { agent, processesNaming, run, startSession, uniqueName, waitForText } from "./session-under-test.ts";

function silenceOf(milliseconds: number, more: Partial<SilenceLimit> = {}): SilenceLimit {
  return { milliseconds, graceMilliseconds: 300, onHit() {}, ...more };
}

/** 30 dots in no less than three seconds. */
const printsSlowly = "for i in {1..30}; do printf .; sleep 0.1; done";

describe("a command that prints nothing any more", () => {
  test.each([
    ["forever", [], "SIGINT"],
    ["leaves-daemons", ["stay"], "SIGINT"],
    ["ignores-term", [], "SIGKILL"],
  ] as const)(
    "is interrupted, and after the grace killed with all it started: %s %s by %s",
    async (which, args, signal) => {
      await using started = await startSession(["planner"]);
      const name = uniqueName();
      const aliveAtHits: number[] = [];
      const silence = silenceOf(1_500, { onHit: () => void aliveAtHits.push(processesWith(name).length) });
      const { exit } = await run(started.pane("planner"), agent(which, name, ...args), { silence });
      expect(exit).toMatchObject({ kind: "signalled", signal, reason: "silent" });
      expect(aliveAtHits).toEqual([expect.any(Number)]);
      expect(aliveAtHits[0]).toBeGreaterThan(0);
      expect(await processesNaming(name)).toEqual([]);
    },
  );

  test("is interrupted also when it never printed anything, or was suspended", async () => {
    await using started = await startSession(["planner"]);
    const { exit, output } = await run(started.pane("planner"), "kill -STOP $$", { silence: silenceOf(600) });
    expect(exit).toMatchObject({ kind: "signalled", signal: "SIGINT", reason: "silent" });
    expect(output).toBe("");
  });

  test("may say how it ends, and is silent however it does", async () => {
    await using started = await startSession(["planner"]);
    const command = "trap 'echo saved; exit 0' INT; sleep 3600";
    const silence = silenceOf(600, { graceMilliseconds: 10_000 });
    const { exit, output } = await run(started.pane("planner"), command, { silence });
    expect(exit).toMatchObject({ kind: "exited", exitCode: 0, reason: "silent" });
    expect(output).toContain("saved\r\n");
  });

  test("leaves its pane usable, and the next command with time of its own", async () => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    await run(pane, "sleep 3600", { silence: silenceOf(600) });
    const { exit, output } = await run(pane, "echo next", { silence: silenceOf(10_000) });
    expect(exit).toMatchObject({ kind: "exited", exitCode: 0, reason: null });
    expect(output).toBe("next\r\n");
  });
});

describe("the time of silence", () => {
  test("begins anew with each byte", async () => {
    await using started = await startSession(["planner"]);
    const command = `${printsSlowly}; exec sleep 3600`;
    const { exit, output } = await run(started.pane("planner"), command, { silence: silenceOf(1_500) });
    expect(exit).toMatchObject({ signal: "SIGINT", reason: "silent" });
    expect(output).toBe(".".repeat(30));
  });

  test("goes by what is printed, and not by what a slow reader has taken", async () => {
    await using started = await startSession(["planner"]);
    const released = Promise.withResolvers<void>();
    const command = `${printsSlowly}; printf '\\e]0;has ended\\a'`;
    const silence = silenceOf(1_500);
    const running = run(started.pane("planner"), command, { silence, onOutput: () => released.promise });
    await expect
      .poll(() => started.tmux("display-message", "-p", "#{pane_title}"), { timeout: 10_000 })
      .toBe("has ended");
    released.resolve();
    expect((await running).exit).toMatchObject({ kind: "exited", exitCode: 0, reason: null });
  });

  test("is over with the command: its output may take longer to be taken", async () => {
    await using started = await startSession(["planner"]);
    const silence = silenceOf(1_000);
    const { exit } = await run(started.pane("planner"), "echo done", { silence, onOutput: () => sleep(2_000) });
    expect(exit).toMatchObject({ kind: "exited", exitCode: 0, reason: null });
  });
});

describe("a stop", () => {
  test("while a silent command has its grace is as quick as ever, and is what ended the run", async () => {
    await using started = await startSession(["planner"]);
    const stopping = new AbortController();
    const interrupted = waitForText("interrupted");
    const running = run(started.pane("planner"), "trap 'echo interrupted' INT; while :; do sleep 0.05; done", {
      ...interrupted,
      silence: silenceOf(600, { graceMilliseconds: 3_600_000 }),
      signal: stopping.signal,
    });
    await interrupted.seen;
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGTERM", reason: "stopped" });
  });

  test("kills after its own grace what takes neither INT nor TERM", async () => {
    await using started = await startSession(["planner"]);
    const name = uniqueName();
    const stopping = new AbortController();
    const hit = Promise.withResolvers<void>();
    const running = run(started.pane("planner"), agent("ignores-term", name), {
      silence: silenceOf(600, { graceMilliseconds: 3_600_000, onHit: hit.resolve }),
      signal: stopping.signal,
    });
    await hit.promise;
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGKILL", reason: "stopped" });
    expect(await processesNaming(name)).toEqual([]);
  });

  test("is not taken for silence, however long its grace", async () => {
    await using started = await startSession(["planner"], { stopGraceMilliseconds: 2_500 });
    const stopping = new AbortController();
    const ready = waitForText("working");
    const hits: true[] = [];
    const running = run(started.pane("planner"), agent("ignores-term", uniqueName()), {
      ...ready,
      silence: silenceOf(1_500, { onHit: () => void hits.push(true) }),
      signal: stopping.signal,
    });
    await ready.seen;
    stopping.abort();
    expect((await running).exit).toMatchObject({ signal: "SIGKILL", reason: "stopped" });
    expect(hits).toEqual([]);
  });
});
