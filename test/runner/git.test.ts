import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cloneRepository, type GitSettings, headCommit, initRepository } from "../../runner/git.ts";
import { type GitHost, makeGitHost } from "../helpers/git-host.ts";
import { askForPassword, serveGit } from "../helpers/git-http-server.ts";
import { failureOf } from "../helpers/job-failure.ts";
import { processesWith } from "../helpers/processes.ts";

const path = process.env.PATH ?? "";
const settings: GitSettings = { path, token: undefined };
const never = new AbortController().signal;
const token = "ghp_0123456789abcdef";

let host: GitHost;
let commits: { readonly first: string; readonly onMain: string; readonly onBranch: string };
let folder: string;
let count = 0;

beforeAll(async () => {
  host = await makeGitHost();
  folder = await mkdtemp(join(tmpdir(), "omx-clone-"));
  const first = await host.add("owner/name", { "a.txt": "one\n" });
  await host.add("owner/empty", {});
  const bare = fileOf("owner/name");
  const git = async (...args: string[]) =>
    (await execa("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: bare })).stdout;
  const commit = (message: string) => git("commit-tree", "-p", first, "-m", message, `${first}^{tree}`);
  const [onMain, onBranch] = [await commit("on main"), await commit("on the branch")];
  await git("update-ref", "refs/heads/main", onMain);
  await git("update-ref", "refs/heads/feature/한글", onBranch);
  await git("tag", "v1", first);
  await git("tag", "-a", "v2", "-m", "annotated", onBranch);
  await execa("git", ["init", "--quiet", "--bare", fileOf("owner/bare")]);
  commits = { first, onMain, onBranch };
});

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

let directory: string;

beforeEach(() => {
  count += 1;
  directory = join(folder, String(count));
});

const fileOf = (repository: string) => new URL(repository, host.baseUrl).pathname;

function clone(url: string, ref?: string, more: Partial<GitSettings> = {}, signal = never): Promise<void> {
  return cloneRepository({ ...settings, ...more }, { url, ref }, directory, signal);
}

async function statusOf(status: number) {
  return serveGit(host.baseUrl, { intercept: (_, response) => void response.writeHead(status).end("no") });
}

describe("A clone", () => {
  test.each<[string, string | undefined, () => string]>([
    ["nothing, which is the default branch", undefined, () => commits.onMain],
    ["a branch", "main", () => commits.onMain],
    ["a branch with a slash and Korean in its name", "feature/한글", () => commits.onBranch],
    ["a tag", "v1", () => commits.first],
    ["an annotated tag", "v2", () => commits.onBranch],
  ])("is at what the ref names: %s.", async (_, ref, commit) => {
    await clone(`${host.baseUrl}owner/name`, ref);
    expect(await headCommit(settings, directory, never)).toBe(commit());
    expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("one\n");
  });

  test("is at a commit, named in full or in short, of whichever branch.", async () => {
    for (const commit of [commits.onBranch, commits.onBranch.slice(0, 8), commits.first]) {
      await clone(`${host.baseUrl}owner/name`, commit);
      expect((await headCommit(settings, directory, never)).startsWith(commit)).toBe(true);
      expect(await readdir(directory)).toContain("a.txt");
      await rm(directory, { recursive: true });
    }
  });

  test("of a repository without a commit has no base.", async () => {
    await clone(`${host.baseUrl}owner/bare`);
    expect(await headCommit(settings, directory, never)).toBe("");
  });

  test("takes nothing from the configuration of whoever runs the runner.", async () => {
    const home = await mkdtemp(join(folder, "home-"));
    await writeFile(join(home, ".gitconfig"), '[url "file:///elsewhere/"]\n\tinsteadOf = file:///\n');
    const before = { HOME: process.env.HOME, GIT_CONFIG_GLOBAL: process.env.GIT_CONFIG_GLOBAL };
    Object.assign(process.env, { HOME: home, GIT_CONFIG_GLOBAL: join(home, ".gitconfig") });
    try {
      await clone(`${host.baseUrl}owner/name`);
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
});

describe("A clone that fails says why", () => {
  test.each(["no-such-branch", "0123456789012345678901234567890123456789", "deadbee", "refs/heads/nothing"])(
    "A ref that does not exist: %s.",
    async (ref) => {
      const failure = await failureOf(clone(`${host.baseUrl}owner/name`, ref));
      expect(failure).toMatchObject({ code: "ref_not_found", message: expect.stringContaining(ref) });
    },
  );

  test("A ref of a repository that has no commit does not exist.", async () => {
    expect((await failureOf(clone(`${host.baseUrl}owner/bare`, "main"))).code).toBe("ref_not_found");
  });

  test("An object that is no commit is no ref.", async () => {
    const { stdout: tree } = await execa("git", ["rev-parse", "HEAD^{tree}"], { cwd: fileOf("owner/name") });
    expect((await failureOf(clone(`${host.baseUrl}owner/name`, tree))).code).toBe("ref_not_found");
  });

  test("A repository that does not exist.", async () => {
    const failure = await failureOf(clone(`${host.baseUrl}owner/other`));
    expect(failure).toMatchObject({ code: "repository_not_found", message: expect.stringContaining("owner/other") });
    expect((await failureOf(clone(`${host.baseUrl}owner/other`, "main"))).code).toBe("repository_not_found");
  });

  test("A folder that is no repository.", async () => {
    expect((await failureOf(clone(`${host.baseUrl}owner`))).code).toBe("repository_not_found");
  });

  test.each([
    [404, "repository_not_found"],
    [403, "repository_not_found"],
    [500, "repository_unreachable"],
    [503, "repository_unreachable"],
  ])("A host that answers %i: %s.", async (status, code) => {
    await using server = await statusOf(status);
    expect((await failureOf(clone(`${server.baseUrl}owner/name`))).code).toBe(code);
  });

  test("A host that refuses the connection, and one that does not exist, cannot be reached.", async () => {
    const server = await statusOf(200);
    await server[Symbol.asyncDispose]();
    expect((await failureOf(clone(`${server.baseUrl}owner/name`))).code).toBe("repository_unreachable");
    expect((await failureOf(clone("http://no-such-host.invalid/owner/name"))).code).toBe("repository_unreachable");
  });

  test("A host that hangs up in the middle.", async () => {
    await using server = await serveGit(host.baseUrl, { intercept: (request) => void request.socket.destroy() });
    const { code } = await failureOf(clone(`${server.baseUrl}owner/name`));
    expect(code).toBe("repository_unreachable");
  });

  test("A runner without git.", async () => {
    const failure = await failureOf(clone(`${host.baseUrl}owner/name`, undefined, { path: folder }));
    expect(failure).toMatchObject({ code: "tool_missing", message: expect.stringContaining("git") });
  });

  test("Nothing is left of the folder.", async () => {
    await failureOf(clone(`${host.baseUrl}owner/other`));
    await expect(readdir(directory)).rejects.toThrow("ENOENT");
  });
});

describe("A host that asks for a password", () => {
  /** Knows one token, and looks, while git talks to it, for processes that show it. */
  async function privateHost() {
    const showing: number[] = [];
    const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
    const server = await serveGit(host.baseUrl, {
      async intercept(request, response: ServerResponse) {
        showing.push(...(await processesShowing(token)));
        if (request.headers.authorization !== expected) askForPassword(response);
      },
    });
    return Object.assign(server, { showing, expected });
  }

  test("is given the token, which no argument and no file of the clone holds.", async () => {
    await using server = await privateHost();
    await clone(`${server.baseUrl}owner/name`, "v1", { token });
    expect(await headCommit(settings, directory, never)).toBe(commits.first);
    expect(server.credentials).toContain(server.expected);
    expect(server.showing).toEqual([]);
    const { stdout } = await execa(
      "grep",
      ["-r", "-l", "-e", token, "-e", btoa(`x-access-token:${token}`), directory],
      {
        reject: false,
      },
    );
    expect(stdout).toBe("");
    const { stdout: url } = await execa("git", ["config", "remote.origin.url"], { cwd: directory });
    expect(url).toBe(`${server.baseUrl}owner/name`);
  });

  test("is given the token for a commit, too, which takes a second clone.", async () => {
    await using server = await privateHost();
    await clone(`${server.baseUrl}owner/name`, commits.first, { token });
    expect(await headCommit(settings, directory, never)).toBe(commits.first);
  });

  test.each([
    ["no token", undefined],
    ["a wrong token", "ghp_wrong"],
  ])("tells nobody with %s whether there is a repository.", async (_, wrong) => {
    await using server = await privateHost();
    const failure = await failureOf(clone(`${server.baseUrl}owner/name`, undefined, { token: wrong }));
    expect(failure.code).toBe("repository_not_found");
    expect(failure.message).not.toContain("ghp_");
  });

  test("is not given the token when it is another host, to which the one that was named sends the clone.", async () => {
    await using other = await serveGit(host.baseUrl, { intercept: (_, response) => askForPassword(response) });
    await using named = await serveGit(host.baseUrl, {
      intercept: (request, response) =>
        void response.writeHead(302, { Location: new URL(request.url ?? "", other.baseUrl).href }).end(),
    });
    const failure = await failureOf(clone(`${named.baseUrl}owner/name`, undefined, { token }));
    expect(failure.code).toBe("repository_not_found");
    expect(other.credentials.length).toBeGreaterThan(0);
    expect(other.credentials.filter((credential) => credential !== undefined)).toEqual([]);
  });

  test("A token with every sign that a shell knows arrives as it is.", async () => {
    const awkward = `a'b"c$(id)\`id\`\\ %s é; exit 1`;
    await using server = await serveGit(host.baseUrl, {
      intercept: (request, response) => void (request.headers.authorization ?? askForPassword(response)),
    });
    await clone(`${server.baseUrl}owner/name`, undefined, { token: awkward });
    const [, given] = server.credentials;
    expect(Buffer.from(given?.slice("Basic ".length) ?? "", "base64").toString()).toBe(`x-access-token:${awkward}`);
  });
});

test("A clone that is stopped ends at once, and none of its processes is left.", async () => {
  const stop = new AbortController();
  const asked = Promise.withResolvers<void>();
  await using server = await serveGit(host.baseUrl, {
    async intercept() {
      asked.resolve();
      await new Promise(() => undefined);
    },
  });
  const cloning = clone(`${server.baseUrl}owner/name`, undefined, {}, stop.signal);
  await asked.promise;
  expect(processesWith(directory).length).toBeGreaterThan(0);
  stop.abort(new Error("told to stop"));
  await expect(cloning).rejects.toThrow("told to stop");
  await expect.poll(() => processesWith(server.baseUrl)).toEqual([]);
});

test("An empty repository has a commit of its own, whoever the runner's user is.", async () => {
  await initRepository(settings, directory, never);
  expect(await headCommit(settings, directory, never)).toMatch(/^[0-9a-f]{40}$/);
  expect((await readdir(directory)).sort()).toEqual([".git"]);
});

/** Ids of the processes with the text among their arguments, other than this one. */
async function processesShowing(text: string): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const shown = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")));
  return ids.filter((_, index) => shown[index]?.includes(text));
}
