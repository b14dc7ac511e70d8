import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { readProcessTable, treesOf } from "../../../runner/pane/process-table.ts";
import { endKeptSession } from "../../../runner/tmux/end-kept-session.ts";
import { agent, PATH, processesNaming, uniqueName } from "./session-under-test.ts";

const script = fileURLToPath(new URL("../../fixtures/session-process.ts", import.meta.url));
const nobody = { name: "a plain user", uid: 65_534, gid: 65_534 };
const myself = { name: "whoever runs the tests", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

// Only root can be both.
describe.each(myself.uid === 0 ? [myself, nobody] : [myself])("A runner that is $name", ({ uid, gid }) => {
  async function startRunner(command: string, end: "dispose" | "keep") {
    const parent = await mkdtemp(join(tmpdir(), "omx-"));
    await chown(parent, uid, gid);
    const directory = join(parent, "tmux");
    const options = { uid, gid, cwd: "/", env: { PATH }, extendEnv: false } as const;
    return {
      directory,
      socketPath: join(directory, "tmux.sock"),
      runner: execa(process.execPath, [script, directory, command, end], {
        ...options,
        reject: false,
        timeout: 20_000,
      }),
      tmux: async (...args: string[]) =>
        (await execa("tmux", ["-S", join(directory, "tmux.sock"), ...args], options)).stdout,
      async [Symbol.asyncDispose]() {
        await endKeptSession(join(directory, "tmux.sock"), PATH);
        await rm(parent, { recursive: true });
      },
    };
  }

  test("leaves no process and no file behind when it has disposed of its session", async () => {
    await using started = await startRunner("whoami; exit 3", "dispose");
    const { stdout } = await started.runner;
    expect(stdout).toContain('exit {"kind":"exited","exitCode":3,"reason":null');
    expect(await processesNaming(started.directory)).toEqual([]);
    expect(await readdir(started.directory)).toEqual([]);
  });

  test("ends all that its command leaves behind", async () => {
    const name = uniqueName();
    await using started = await startRunner(agent("leaves-daemons", name), "dispose");
    const { stdout } = await started.runner;
    expect(stdout).toContain("left six");
    expect(stdout).toContain('"exitCode":0');
    expect(await processesNaming(name)).toEqual([]);
  });

  // Root reads everything.
  if (uid !== 0) {
    test("does not let its command read the wrapper's memory, although the user is the same", async () => {
      const question = "id -u; cat /proc/$PPID/environ; head -c 1 /proc/$PPID/mem; ls /proc/$PPID/fd";
      await using started = await startRunner(question, "dispose");
      const { stdout } = await started.runner;
      expect(stdout).toContain(String(uid));
      expect(stdout.match(/Permission denied/g)).toHaveLength(3);
    });
  }

  test("takes everything with it when it is killed", async () => {
    const name = uniqueName();
    await using started = await startRunner(agent("leaves-daemons", name, "stay"), "dispose");
    let printed = "";
    started.runner.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    await expect.poll(() => printed, { timeout: 10_000 }).toContain("left six");
    const server = Number(await started.tmux("display-message", "-p", "#{pid}"));
    const tree = treesOf([server], await readProcessTable());
    expect(tree.size).toBeGreaterThanOrEqual("server, 2 recorders, 2 guards, 2 wrappers".split(",").length);
    started.runner.kill("SIGKILL");
    await started.runner;
    await expect.poll(() => processesNaming(name), { timeout: 5_000 }).toEqual([]);
    await expect.poll(async () => treesOf(tree, await readProcessTable()).size, { timeout: 5_000 }).toBe(0);
  });

  test("ends by itself after it kept its session, and leaves the tmux server alone, for people to look at", async () => {
    await using started = await startRunner("echo planned; (setsid sleep 3600 &)", "keep");
    const { exitCode } = await started.runner;
    expect(exitCode).toBe(0);
    const server = Number(await started.tmux("display-message", "-p", "#{pid}"));
    expect(await processesNaming(started.directory)).toEqual([server]);
    expect([...treesOf([server], await readProcessTable())]).toEqual([server]);
    const zombies = await execa("ps", ["--ppid", String(server), "-o", "stat="], { reject: false });
    expect(zombies.stdout).toBe("");
    expect(await readdir(started.directory)).toEqual(["tmux.sock"]);

    expect(await started.tmux("list-panes", "-F", "#{pane_title} #{pane_dead}")).toBe("planner 1\nexecutor 1");
    expect(await started.tmux("capture-pane", "-p", "-S", "-", "-t", ":.0")).toContain("planned");
    expect(await started.tmux("capture-pane", "-p", "-S", "-", "-t", ":.1")).toContain("executor waits");

    await endKeptSession(started.socketPath, PATH);
    expect(await processesNaming(started.directory)).toEqual([]);
    expect(await readdir(started.directory)).toEqual([]);
    await endKeptSession(started.socketPath, PATH);
  });
});
