import { expect, test } from "vitest";
import { agent, PATH, run, startSession, waitForText } from "./session-under-test.ts";

test("20,000 lines arrive byte for byte, as a terminal has them, with their offsets", async () => {
  await using started = await startSession(["planner"]);
  const chunks: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  const { exit } = await run(started.pane("planner"), agent("prints-129kb"), {
    onOutput: (bytes, offset) => void chunks.push({ bytes, offset }),
  });
  const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\r\n`).join("");
  expect(Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString()).toBe(expected);
  expect(exit).toMatchObject({ kind: "exited", exitCode: 0, reason: null, outputBytes: expected.length });
  expect(exit.durationMilliseconds).toBeGreaterThan(0);
  let nextOffset = 0;
  for (const { bytes, offset } of chunks) {
    expect(offset).toBe(nextOffset);
    nextOffset += bytes.length;
  }
});

test("Korean, escape codes, a forged marker and an unfinished escape come through as they are", async () => {
  await using started = await startSession(["planner"]);
  const text = "계획을 세우는 중… \x1b[1;31m빨강\x1b[0m \x1b]0;제목\x07\x1b]7777;end;forged\x07 \x1b]0;unfinished";
  const { output } = await run(started.pane("planner"), 'printf %s "$TEXT"', { environment: { PATH, TEXT: text } });
  expect(output).toBe(text);
});

test("What is said to the watcher is on the screen in its place, and in no output", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  pane.say("기다리는 중");
  const working = waitForText("working");
  const running = run(pane, "echo working; read line; echo got $line", working);
  await working.seen;
  pane.say("said meanwhile");
  await started.tmux("send-keys", "-t", pane.paneId, "typed", "Enter");
  expect((await running).exit.outputBytes).toBe("working\r\ntyped\r\ngot typed\r\n".length);
  expect((await run(pane, "echo second")).output).toBe("second\r\n");
  const expected = ["기다리는 중", "working", "typed", "got typed", "said meanwhile", "second"];
  expect(await started.screen("planner")).toEqual(expected);
});

test("A reader that takes nothing does not hold the command up, and gets everything later", async () => {
  await using started = await startSession(["planner"]);
  const released = Promise.withResolvers<void>();
  let outputBytes = 0;
  const running = run(started.pane("planner"), `${agent("floods", "8")}; printf '\\e]0;has ended\\a'`, {
    async onOutput(bytes) {
      await released.promise;
      outputBytes += bytes.length;
    },
  });
  // The title is set behind the last byte.
  await expect
    .poll(() => started.tmux("display-message", "-p", "#{pane_title}"), { timeout: 10_000 })
    .toBe("has ended");
  expect(outputBytes).toBe(0);
  released.resolve();
  expect(await running).toMatchObject({ exit: { kind: "exited", exitCode: 0 } });
  expect(outputBytes).toBe(8_040_000 + "\x1b]0;has ended\x07".length);
});

test("A flood of 100 MB goes through without gathering in memory", async () => {
  await using started = await startSession(["planner"]);
  const before = process.memoryUsage().arrayBuffers;
  let highest = 0;
  const { exit } = await run(started.pane("planner"), agent("floods", "100"), {
    onOutput() {
      highest = Math.max(highest, process.memoryUsage().arrayBuffers);
    },
  });
  expect(exit).toMatchObject({ kind: "exited", exitCode: 0, outputBytes: 100_500_000 });
  expect(highest - before).toBeLessThan(32_000_000);
});

test("A run that prints more than allowed is stopped and says so", async () => {
  await using started = await startSession(["planner"], { maximumSpoolBytes: 1_000_000 });
  const pane = started.pane("planner");
  const { exit } = await run(pane, "yes");
  expect(exit).toMatchObject({ kind: "signalled", signal: "SIGTERM", reason: "output_limit" });
  expect(exit.outputBytes).toBeGreaterThan(1_000_000);
  // The allowance is that of one run.
  expect((await run(pane, "echo small; sleep 1")).exit).toMatchObject({ kind: "exited", exitCode: 0, reason: null });
});

test("A reader that fails ends the command, its error reaches the caller, and the pane stays usable", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const refused = new Error("the event store is gone");
  await expect(run(pane, "echo one; exec sleep 3600", { onOutput: () => Promise.reject(refused) })).rejects.toBe(
    refused,
  );
  expect((await run(pane, "echo two")).output).toBe("two\r\n");
});

test("A command that leaves the terminal in another mode does not spoil the next one", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const perl = (code: string) => `perl -MFcntl -e '${code}'`;
  const spoil = perl("fcntl STDOUT, F_SETFL, O_RDWR | O_NONBLOCK");
  await run(pane, `stty raw olcuc ixon -echo; ${spoil}; printf '\\e[?1049h'`);
  const tellWhetherWritesWait = perl('print fcntl(STDOUT, F_GETFL, 0) & O_NONBLOCK ? "no" : "yes"');
  const { output } = await run(pane, `echo lower; ${tellWhetherWritesWait}; echo; stty -a | grep -o -- -olcuc`);
  expect(output).toBe("lower\r\nyes\r\n-olcuc\r\n");
});

test("Someone's Ctrl-S does not stop a command, nor its end", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const working = waitForText("working");
  const running = run(pane, "echo working; read line; echo got $line", working);
  await working.seen;
  await started.tmux("send-keys", "-t", pane.paneId, "C-s", "Enter");
  expect((await running).exit).toMatchObject({ kind: "exited", exitCode: 0 });
});

test("A command that does not read its input leaves nothing of it to the next one", async () => {
  await using started = await startSession(["planner"]);
  const pane = started.pane("planner");
  const working = waitForText("working");
  const ended = new AbortController();
  const running = run(pane, "stty -echo; echo working; exec sleep 3600", { ...working, signal: ended.signal });
  await working.seen;
  await started.tmux("send-keys", "-t", pane.paneId, "rm -rf", "Enter");
  ended.abort();
  await running;
  const { output } = await run(pane, "read -t 0.2 line; echo got $line");
  expect(output).toBe("got\r\n");
});
