import { expect, test } from "vitest";
import { PATH, run, startSession, waitForText } from "./session-under-test.ts";

const user = { uid: 65_534, gid: 65_534, groups: [65_534, 4] };

// Only root can become another user.
if (process.getuid?.() === 0) {
  test("A command can run as another user, with that user's groups only and no way to more rights", async () => {
    await using started = await startSession(["planner"]);
    const question = "id -u; id -g; id -G; grep -E '^(Uid|Gid|NoNewPrivs|CapEff)' /proc/self/status";
    const { output } = await run(started.pane("planner"), question, { user });
    expect(output.split("\r\n")).toEqual([
      "65534",
      "65534",
      "65534 4",
      "Uid:\t65534\t65534\t65534\t65534",
      "Gid:\t65534\t65534\t65534\t65534",
      "CapEff:\t0000000000000000",
      "NoNewPrivs:\t1",
      "",
    ]);
  });

  test("The other user's command has the terminal for its own while it runs, and not longer", async () => {
    await using started = await startSession(["planner"]);
    const pane = started.pane("planner");
    const { output } = await run(pane, "echo 1 >/dev/tty; echo 2 >/dev/stdout; echo 3 >$(tty)", { user });
    expect(output).toBe("1\r\n2\r\n3\r\n");
    expect((await run(pane, "stat -c %u $(tty)")).output).toBe("0\r\n");
  });

  test("The other user's command reaches neither the sockets, nor the spool, nor the wrapper's memory", async () => {
    await using started = await startSession(["planner"]);
    const { directory, session } = started;
    const pane = started.pane("planner");
    const { output } = await run(
      pane,
      `ls ${directory}
       cat ${directory}/planner.spool
       tmux -S ${session.socketPath} list-sessions
       cat /proc/$PPID/environ
       head -c 1 /proc/$PPID/mem
       cat /proc/${pane.wrapperPid}/environ
       kill -9 $PPID ${pane.wrapperPid}
       true`,
      { user },
    );
    const refusals = output.trimEnd().split("\r\n");
    expect(refusals).toHaveLength(8);
    for (const refusal of refusals) expect(refusal).toMatch(/denied|not permitted/);
  });

  test("The other user's command is stopped with all it started", async () => {
    await using started = await startSession(["planner"]);
    const ready = waitForText("working");
    const stopping = new AbortController();
    const command = "trap '' TERM; setsid sleep 3600 & echo working; while :; do sleep 0.1; done";
    const running = run(started.pane("planner"), command, { user, signal: stopping.signal, ...ready });
    await ready.seen;
    stopping.abort();
    expect((await running).exit).toMatchObject({ kind: "signalled", signal: "SIGKILL", reason: "stopped" });
  });

  test("A directory that the other user may not enter is told on the pane", async () => {
    await using started = await startSession(["planner"]);
    const { exit, output } = await run(started.pane("planner"), "true", { user, workingDirectory: started.directory });
    expect(exit).toMatchObject({ kind: "exited", exitCode: 126 });
    expect(output).toContain(`cannot enter ${started.directory}: Permission denied`);
  });
} else {
  test("A command that is to run as another user ends without having run", async () => {
    await using started = await startSession(["planner"]);
    const root = { uid: 0, gid: 0, groups: [] };
    const { exit, output } = await run(started.pane("planner"), "echo ran", { user: root, environment: { PATH } });
    expect(exit).toMatchObject({ kind: "exited", exitCode: 126 });
    expect(output).toContain("cannot become user 0: Operation not permitted");
    expect(output).not.toContain("ran\r");
  });
}
