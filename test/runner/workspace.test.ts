import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobSpec } from "../../core/job.ts";
import type { UnixUser } from "../../runner/pane/protocol.ts";
import { fillRepository, openWorkspace, type Workspace, type WorkspaceSettings } from "../../runner/workspace.ts";
import { type GitHost, makeGitHost } from "../helpers/git-host.ts";
import { failureOf } from "../helpers/job-failure.ts";
import { jobSpec } from "../helpers/jobs.ts";
import { processesWith } from "../helpers/processes.ts";

const jobId = "01KB3Q9M6Y8Z4V5N7T2R1C0D9E";
const never = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
/** Debian's nobody. */
const nobody: UnixUser = { uid: 65_534, gid: 65_534, groups: [65_534] };
const workspaceModule = new URL("../../runner/workspace.ts", import.meta.url).href;

let host: GitHost;
let baseSha: string;
let workRoot: string;
let spec: JobSpec;

beforeAll(async () => {
  host = await makeGitHost();
  baseSha = await host.add("owner/name", { "a.txt": "one\n" });
});

afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

beforeEach(async () => {
  workRoot = await mkdtemp(join(tmpdir(), "omx-work-"));
  await chmod(workRoot, 0o711);
  spec = { ...jobSpec({ task: "작업: $(touch x) 'y'\n" }), repositoryUrl: `${host.baseUrl}owner/name` };
  return () => rm(workRoot, { recursive: true });
});

type FilledWorkspace = Workspace & { readonly baseSha: string };

/** Opened and filled, as a job does it; disposed of if it cannot be filled. */
async function open(more: Partial<WorkspaceSettings> = {}, signal = never): Promise<FilledWorkspace> {
  const git = { path: process.env.PATH ?? "", token: undefined };
  const settings = { workRoot, skipClone: false, git, user: undefined, ...more };
  const workspace = await openWorkspace(settings, { jobId, task: spec.task });
  try {
    return Object.assign(workspace, { baseSha: await fillRepository(settings, workspace, spec, signal) });
  } catch (error) {
    await workspace[Symbol.asyncDispose]();
    throw error;
  }
}

async function ownerAndMode(path: string) {
  const { uid, mode } = await lstat(path);
  return [uid, (mode & 0o777).toString(8)];
}

test("A workspace has the clone, the task in a file beside it, and empty folders for the rest.", async () => {
  await using workspace = await open();
  expect(workspace).toMatchObject({
    repository: join(workRoot, jobId, "repo"),
    jobDirectory: join(workRoot, jobId, "job"),
    baseSha,
  });
  expect(await readFile(join(workspace.repository, "a.txt"), "utf8")).toBe("one\n");
  expect(await readFile(join(workspace.jobDirectory, "task.md"), "utf8")).toBe(spec.task);
  expect(await readdir(workspace.jobDirectory)).toEqual(["task.md"]);
  expect([await readdir(workspace.home), await readdir(workspace.tmux)]).toEqual([[], []]);
});

test("The clone is of the ref that was asked for.", async () => {
  spec = { ...spec, ref: "no-such-branch" };
  expect((await failureOf(open())).code).toBe("ref_not_found");
});

test("Without a clone there is an empty repository with a base.", async () => {
  await using workspace = await open({ skipClone: true });
  expect(workspace.baseSha).toMatch(/^[0-9a-f]{40}$/);
  expect(await readdir(workspace.repository)).toEqual([".git"]);
});

test("Nothing is left of it when it is disposed of, unless it is kept.", async () => {
  const disposed = await open();
  await disposed[Symbol.asyncDispose]();
  expect(await readdir(workRoot)).toEqual([]);
  const kept = await open();
  kept.keep();
  await kept[Symbol.asyncDispose]();
  expect(await readFile(join(kept.repository, "a.txt"), "utf8")).toBe("one\n");
});

test("Nothing is left of one that could not be made.", async () => {
  spec = { ...spec, repositoryUrl: `${host.baseUrl}owner/other` };
  expect((await failureOf(open())).code).toBe("repository_not_found");
  expect(await readdir(workRoot)).toEqual([]);
});

test("A stop ends the making of it, and leaves neither folders nor processes.", async () => {
  const stop = AbortSignal.abort(new Error("told to stop"));
  await expect(open({}, stop)).rejects.toThrow("told to stop");
  expect(await readdir(workRoot)).toEqual([]);
  expect(processesWith(join(workRoot, jobId))).toEqual([]);
});

test("A second attempt on the same machine begins anew, whatever the first has left.", async () => {
  const first = await open();
  first.keep();
  await writeFile(join(first.repository, "left.txt"), "");
  await writeFile(join(first.jobDirectory, "plan.md"), "");
  await mkdir(join(first.home, "closed"), { mode: 0o500 });
  await symlink("/etc", join(first.home, "link"));
  await using second = await open();
  expect((await readdir(second.repository)).sort()).toEqual([".git", "a.txt"]);
  expect(await readdir(second.jobDirectory)).toEqual(["task.md"]);
  expect(await readdir(second.home)).toEqual([]);
  expect(await readdir("/etc")).not.toEqual([]);
});

test("A second attempt on the same machine ends the session that the first has kept, and then lost its runner.", async () => {
  const first = await open();
  const socketPath = join(first.tmux, "tmux.sock");
  await execa("tmux", ["-S", socketPath, "-f", "/dev/null", "new-session", "-d", "sleep 1000"]);
  expect(processesWith(socketPath)).not.toEqual([]);
  await using _second = await open();
  expect(processesWith(socketPath)).toEqual([]);
});

test("WORK_ROOT is made when it is not there, open for passing through.", async () => {
  const deep = join(workRoot, "not", "there");
  await using _workspace = await open({ workRoot: deep });
  expect(((await stat(deep)).mode & 0o777).toString(8)).toBe("711");
});

test("A closed WORK_ROOT is good enough where the agents are the runner's own user.", async () => {
  await chmod(workRoot, 0o700);
  await using workspace = await open();
  expect(workspace.baseSha).toBe(baseSha);
});

test("A runner that is not root can clean up folders that nobody may write to, as Go's module cache has them.", async () => {
  // As another user than root, who may write everywhere.
  const user = isRoot ? { uid: nobody.uid, gid: nobody.gid } : {};
  if (isRoot) await chown(workRoot, nobody.uid, nobody.gid);
  const script = `
    import { mkdir, writeFile, chmod } from "node:fs/promises";
    import { openWorkspace } from ${JSON.stringify(workspaceModule)};
    const settings = ${JSON.stringify({ workRoot, skipClone: true, git: { path: process.env.PATH } })};
    const workspace = await openWorkspace(settings, { jobId: "${jobId}", task: "t" });
    await mkdir(workspace.home + "/go/mod", { recursive: true });
    await writeFile(workspace.home + "/go/mod/file", "");
    for (const folder of ["/go/mod", "/go"]) await chmod(workspace.home + folder, 0o555);
    await workspace[Symbol.asyncDispose]();
  `;
  await execa(process.execPath, ["--input-type=module", "--eval", script], { ...user, cwd: "/" });
  expect(await readdir(workRoot)).toEqual([]);
});

describe.runIf(isRoot)("A runner that is root", () => {
  test("gives the agents' folders to the agents' user, and keeps sockets and spools for itself.", async () => {
    await using workspace = await open({ user: nobody });
    const [repository, jobDirectory, home] = [workspace.repository, workspace.jobDirectory, workspace.home];
    expect(await ownerAndMode(join(workRoot, jobId))).toEqual([0, "711"]);
    expect(await ownerAndMode(workspace.tmux)).toEqual([0, "700"]);
    for (const folder of [jobDirectory, home]) expect(await ownerAndMode(folder)).toEqual([nobody.uid, "700"]);
    const { stdout } = await execa("find", [repository, jobDirectory, home, "!", "-user", String(nobody.uid)]);
    expect(stdout).toBe("");
    const git = ["-C", repository, "status", "--porcelain"];
    const asAgent = { uid: nobody.uid, gid: nobody.gid, env: { HOME: home } };
    expect((await execa("git", git, asAgent)).stdout).toBe("");
    await execa("touch", [join(repository, "new"), join(jobDirectory, "plan.md"), join(home, ".config")], asAgent);
    await expect(execa("ls", [workspace.tmux], asAgent)).rejects.toThrow("Permission denied");
    await expect(execa("ls", [join(workRoot, jobId)], asAgent)).rejects.toThrow("Permission denied");
  });

  test("gives away no file outside, to which a link in the repository leads.", async () => {
    const outside = join(workRoot, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "file"), "");
    const bare = new URL("owner/name", host.baseUrl).pathname;
    const git = async (args: string[], input = "") => (await execa("git", args, { cwd: bare, input })).stdout;
    const blob = async (target: string) => git(["hash-object", "-w", "--stdin"], target);
    const entry = async (name: string, target: string) => `120000 blob ${await blob(target)}\t${name}\n`;
    const listing = (await entry("file", join(outside, "file"))) + (await entry("folder", outside));
    const tree = await git(["mktree"], listing);
    const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    await git(["update-ref", "refs/heads/links", await git([...identity, "commit-tree", "-m", "links", tree])]);
    spec = { ...spec, ref: "links" };
    await using workspace = await open({ user: nobody });
    expect((await ownerAndMode(join(workspace.repository, "folder")))[0]).toBe(nobody.uid);
    expect((await ownerAndMode(outside))[0]).toBe(0);
    expect((await ownerAndMode(join(outside, "file")))[0]).toBe(0);
  });

  test.each<[string, () => Promise<void>]>([
    ["belongs to another user", () => chown(workRoot, nobody.uid, nobody.gid)],
    ["is closed to the agents", () => chmod(workRoot, 0o700)],
  ])("refuses a WORK_ROOT that %s, and says what to do.", async (fault, spoil) => {
    await spoil();
    const failure = await failureOf(open({ user: nobody }));
    expect(failure.message).toContain(fault);
    expect(failure.message).toContain("0711");
    expect(await readdir(workRoot)).toEqual([]);
  });
});

/** Needs the privilege to mount, which root in a container may not have. */
const canMount = isRoot && (await execa("unshare", ["--mount", "true"], { reject: false })).exitCode === 0;

describe.runIf(canMount)("On a disk of one megabyte", () => {
  beforeEach(async () => {
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m,mode=711", "none", workRoot]);
    return async () => {
      await execa("umount", [workRoot]);
    };
  });

  test("a repository that is larger is told as a full disk, and the room is free again.", async () => {
    await host.add("owner/large", {
      "large.bin": Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))
        .toString("base64")
        .repeat(100),
    });
    spec = { ...spec, repositoryUrl: `${host.baseUrl}owner/large` };
    expect((await failureOf(open())).code).toBe("disk_full");
    expect(await readdir(workRoot)).toEqual([]);
  });

  test("a disk that is full before the clone begins is told as one, too.", async () => {
    await execa("dd", ["if=/dev/zero", `of=${join(workRoot, "filler")}`, "bs=64k"], { reject: false });
    const failure = await failureOf(open());
    expect(failure).toMatchObject({ code: "disk_full", message: expect.stringContaining(workRoot) });
    expect(await readdir(workRoot)).toEqual(["filler"]);
  });
});

test.runIf(isRoot)("A repository on this machine that belongs to another user can be cloned.", async () => {
  const name = "another/owner";
  await host.add(name, { "a.txt": "one\n" });
  const url = `${host.baseUrl}${name}`;
  await execa("chown", ["-R", "nobody", new URL(url).pathname]);
  spec = { ...spec, repositoryUrl: url };
  await using workspace = await open();
  expect(await readFile(join(workspace.repository, "a.txt"), "utf8")).toBe("one\n");
});
