import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pause, type Terminal, whyNoContainer } from "./container.ts";
import { containersWithJobs, type JobInContainer, outputOf, secrets } from "./job-in-container.ts";

const reason = whyNoContainer();
/** Else tmux takes keys that follow each other within a millisecond for pasted text, in which no binding looks. */
const seesEachKey = "set-option -g assume-paste-time 0";
const prefix = "\u0002";
const leave = "\u001d";

/** Keys by which somebody at tmux's default settings gets a command to run as the server's user; each leaves a mark. */
const attacks: Readonly<Record<string, (mark: string) => readonly string[]>> = {
  "the command prompt": (mark) => [prefix, `:${pause}run-shell 'touch ${mark}'\r`],
  "a new window": (mark) => [prefix, `c${pause}touch ${mark}\r`],
  "a split pane": (mark) => [prefix, `%${pause}touch ${mark}\r`],
  "a popup": (mark) => [prefix, `:${pause}display-popup -E 'touch ${mark}'\r`],
  "the tree of sessions": (mark) => [prefix, `w${pause}:${pause}run-shell 'touch ${mark}'\r`],
  "a pane's menu": (mark) => [prefix, `>${pause}h${pause}touch ${mark}\r`],
  "a window's menu": (mark) => [prefix, `<${pause}w${pause}touch ${mark}\r`],
  "a mouse": (mark) => ["\u001b[<2;5;5M", `${pause}h${pause}touch ${mark}\r`],
  "a confirmed command": (mark) => [prefix, `:${pause}confirm-before "run-shell 'touch ${mark}'"\r${pause}y`],
  "a piped pane": (mark) => [prefix, `:${pause}pipe-pane 'touch ${mark}; cat >/dev/null'\r`],
  "a key that is bound anew": (mark) => [prefix, `:${pause}bind-key -n F5 run-shell 'touch ${mark}'\r`, "\u001b[15~"],
  "a piped selection": (mark) => [
    ...[prefix, `:${pause}copy-mode\r${prefix}:${pause}send-keys -X select-line\r`],
    ...[prefix, `:${pause}send-keys -X copy-pipe 'touch ${mark}'\r`],
  ],
};
const attackList = Object.entries(attacks);
const everything = attackList.flatMap(([, keys], index) => keys(`/tmp/marks/${index}`));

describe.skipIf(reason !== undefined)(
  `Attaching by the image's entry point${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let job: JobInContainer;
    const clean = ["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"];
    const shell = async (line: string) => (await job.container.exec(...clean, "sh", "-c", line)).output;
    const tmux = (command: string) => shell(`tmux -S ${job.socket} ${command}`);
    const typed = () => shell(`cat -v /var/lib/omx/${job.jobId}/job/typed`);
    const marks = async () => (await shell("ls /tmp/marks")).split("\n").filter((name) => name !== "");

    async function attach(options = ""): Promise<Terminal> {
      const terminal = job.container.onTerminal(`/opt/omx/attach ${options}`);
      await expect.poll(terminal.output, { timeout: 20_000 }).toContain("Ctrl-] leaves");
      return terminal;
    }

    /** All that a command could have changed: windows, panes, modes, and what keys do. */
    const state = () =>
      tmux("list-panes -a -F '#{window_id} #{pane_id} #{pane_in_mode} #{pane_pipe} #{window_width}' \\; list-keys");

    beforeAll(async () => {
      const startJob = await containersWithJobs();
      const planner = 'touch "$JOB_DIR/typed"; echo ready for the keys; exec cat >>"$JOB_DIR/typed"';
      job = await startJob({ agentCommands: { planner, executor: "true", verifier: "true" } });
      await job.eventsUntil((events) => outputOf(events, "planner").includes("ready for the keys"));
      await shell("mkdir -m 0777 /tmp/marks");
      await tmux(seesEachKey);
    });
    afterAll(() => job[Symbol.asyncDispose]());

    test.each(attackList)("would be open to %s with tmux's own settings", { retry: 3 }, async (_, keys) => {
      const name = crypto.randomUUID();
      const [socket, mark] = [`/tmp/${name}.sock`, `/tmp/${name}.open`];
      await shell(
        `tmux -S ${socket} -f /dev/null new-session -d 'exec cat' \\; ${seesEachKey} \\; set-option -g mouse on`,
      );
      const terminal = job.container.onTerminal(
        `env -i PATH=/usr/bin:/bin TERM=xterm-256color tmux -S ${socket} attach`,
      );
      await expect.poll(terminal.output).toContain("[0] 0:");

      await terminal.type(...keys(mark));

      await expect.poll(() => shell(`ls ${mark}`), { timeout: 5_000 }).toBe(mark);
      await shell(`tmux -S ${socket} kill-server`);
      await terminal.ended;
    });

    test("shows the panes to a user without rights, and lets no key through but the one to leave", async () => {
      const before = await attach().then(async (first) => {
        await first.type(leave);
        await first.ended;
        return state();
      });
      const terminal = await attach();
      expect(terminal.output()).toContain("ready for the keys");
      expect(terminal.output()).toContain("read-only");
      expect(await tmux("list-clients -F '#{client_user} #{client_readonly}'")).toBe("viewer 1");

      await terminal.type(...everything, `typed by a viewer\r${prefix}d\u0003\u0004\u001a${leave}`);

      expect((await terminal.ended).exitCode).toBe(0);
      expect(await marks()).toEqual([]);
      expect(await state()).toBe(before);
      expect(await typed()).toBe("");
    });

    test("with --write hands every key to the pane, and none to tmux but the one to leave", async () => {
      const terminal = await attach("--write");
      const before = await state();
      expect(await tmux("list-clients -F '#{client_user} #{client_readonly}'")).toBe("typist 0");

      await terminal.type("\r", ...everything, "\rtyped by a typist\r");

      await expect.poll(typed, { timeout: 20_000 }).toContain("typed by a typist");
      expect(await typed()).toContain("^B:run-shell 'touch /tmp/marks/0'");
      expect(await marks()).toEqual([]);
      expect(await state()).toBe(before);
      await terminal.type(leave);
      expect((await terminal.ended).exitCode).toBe(0);
    });

    test("keeps who looks from typing while somebody else types", async () => {
      const [viewer, typist] = [await attach(), await attach("--write")];
      expect((await tmux("list-clients -F '#{client_user} #{client_readonly}'")).split("\n").toSorted()).toEqual([
        "typist 0",
        "viewer 1",
      ]);

      await viewer.type(`from the viewer\r${leave}`);
      await viewer.ended;
      await typist.type("\rfrom the typist\r");

      await expect.poll(typed).toContain("from the typist");
      expect(await typed()).not.toContain("from the viewer");
      await typist.type(leave);
      await typist.ended;
    });

    test("takes nothing of the container's environment along, nor any right", async () => {
      const terminal = await attach("--write");
      const shown = await tmux("show-environment -g \\; show-environment");
      const client = (await tmux("list-clients -F '#{client_pid}'")).trim();
      const status = await shell(`grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/${client}/status`);
      const typist = ["setpriv", "--reuid=typist", "--regid=attach", "--clear-groups"];
      const environment = (await job.container.exec(...typist, "cat", `/proc/${client}/environ`)).output;

      for (const secret of Object.values(secrets)) expect(shown + environment).not.toContain(secret);
      expect(
        environment
          .split("\0")
          .map((entry) => entry.replace(/=.*/, ""))
          .toSorted(),
      ).toEqual(["", "HOME", "LANG", "PATH", "TERM"]);
      expect(status.replaceAll(/[\t ]+/g, " ").split("\n")).toEqual([
        "Uid: 2002 2002 2002 2002",
        "Gid: 2001 2001 2001 2001",
        "Groups: ",
        ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((set) => `${set}: 0000000000000000`),
        "NoNewPrivs: 1",
      ]);
      await terminal.type(leave);
      await terminal.ended;
    });

    test("is for root alone, and has one option", async () => {
      const asAgent = await job.container.exec(
        "setpriv",
        "--reuid=agent",
        "--regid=agent",
        "--clear-groups",
        "/opt/omx/attach",
      );

      expect(asAgent).toEqual({ exitCode: 1, output: "attach: only root may let somebody in" });
      for (const wrong of [["--read"], ["--write", "--write"], ["-x", "y"]]) {
        const answer = await job.container.exec("/opt/omx/attach", ...wrong);
        expect(answer).toEqual({ exitCode: 2, output: "attach: the only option is --write" });
      }
    });

    test("leaves the agents as shut out as before", async () => {
      const agent = "setpriv --reuid=agent --regid=agent --clear-groups --no-new-privs";

      expect(
        await shell(`${agent} tmux -S ${job.socket} list-sessions 2>&1; ${agent} ls ${job.sessionFolder} 2>&1`),
      ).toMatch(/Permission denied.*\n.*Permission denied/);
      expect(
        await shell(`setpriv --reuid=viewer --regid=attach --clear-groups tmux -S ${job.socket} send-keys x 2>&1`),
      ).toBe("client is read-only");
    });

    test("says so where no job has a session", async () => {
      const answer = await job.container.exec("env", "WORK_ROOT=/nowhere", "/opt/omx/attach");

      expect(answer).toEqual({
        exitCode: 1,
        output: "attach: no job has a session here: it has not begun, or it is over",
      });
    });
  },
);
