import { execa } from "execa";
import { JobFailure } from "./job-failure.ts";
import { sendSignal } from "./pane/process-table.ts";

export interface GitSettings {
  readonly path: string;
  /** For https; handed to git alone, by its environment, never by its arguments or by the clone's configuration. */
  readonly token: string | undefined;
}

/** What git is asked for; its `directory` is where it works. */
interface GitCall {
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Clones into `directory`, which must not exist, and checks out `ref`. Throws `JobFailure` with a reason to tell. */
export async function cloneRepository(
  settings: GitSettings,
  source: { readonly url: string; readonly ref: string | undefined },
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const call = { directory: "/", signal };
  const branch = source.ref === undefined ? [] : ["--branch", source.ref];
  const credentials = credentialHelper(settings.token, source.url);
  const clone = (flags: readonly string[]) =>
    git(settings, call, [
      ...credentials,
      "clone",
      "--quiet",
      "--template=",
      ...trustFlags(source.url),
      ...flags,
      "--",
      source.url,
      directory,
    ]);
  const cloned = await clone(branch);
  if (cloned.exitCode === 0) return;
  if (source.ref === undefined || !/Remote branch .* not found/.test(cloned.stderr)) throw cloneFailure(cloned.stderr);
  // Neither a branch nor a tag: perhaps a commit, which git clones only along with everything else.
  await mustSucceed(clone(["--no-checkout"]), cloneFailure);
  const commit = `${source.ref}^{commit}`;
  const resolved = await git(settings, { directory, signal }, ["rev-parse", "--verify", "--quiet", commit]);
  if (resolved.exitCode !== 0) throw refNotFound(source.ref);
  await mustSucceed(git(settings, { directory, signal }, ["checkout", "--detach", resolved.stdout]), cloneFailure);
}

/** An empty repository with one empty commit, so that it has a base like any other. */
export async function initRepository(settings: GitSettings, directory: string, signal: AbortSignal): Promise<void> {
  await mustSucceed(git(settings, { directory: "/", signal }, ["init", "--quiet", "--", directory]), cloneFailure);
  const author = ["-c", "user.name=omx-web", "-c", "user.email=omx-web@localhost"];
  const commit = [...author, "commit", "--quiet", "--allow-empty", "--message", "Empty repository"];
  await mustSucceed(git(settings, { directory, signal }, commit), cloneFailure);
}

/** The commit that the job starts from; an empty string in a repository without a commit. */
export async function headCommit(settings: GitSettings, directory: string, signal: AbortSignal): Promise<string> {
  const { exitCode, stdout } = await git(settings, { directory, signal }, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  return exitCode === 0 ? stdout : "";
}

async function git(settings: GitSettings, { directory, signal }: GitCall, args: readonly string[]) {
  signal.throwIfAborted();
  const running = execa("git", args, {
    cwd: directory,
    detached: true,
    extendEnv: false,
    env: gitEnvironment(settings),
    stdin: "ignore",
    reject: false,
  });
  // All of its process group: the helpers that speak to the host outlive git and keep its output open.
  const kill = () => sendSignal(running.pid === undefined ? [] : [-running.pid], "SIGKILL");
  signal.addEventListener("abort", kill);
  const result = await running;
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (result.code === "ENOENT") throw new JobFailure("tool_missing", "git is not installed where the runner runs.");
  return result;
}

/**
 * A repository on this machine may belong to another user; that it may be cloned has been decided before. The setting
 * has to reach the process that reads there, to which git passes neither its `-c` nor its environment's.
 */
function trustFlags(url: string): string[] {
  return url.startsWith("file:") ? ["--upload-pack", "git -c 'safe.directory=*' upload-pack"] : [];
}

function gitEnvironment({ path, token }: GitSettings): Record<string, string> {
  return {
    PATH: path,
    LANG: "C.UTF-8",
    // No configuration but the repository's: what the runner's user has set up must not decide what a job gets.
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    // Never wait for a person.
    GIT_TERMINAL_PROMPT: "0",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes",
    ...(token && { GIT_TOKEN: token }),
  };
}

/**
 * A helper that reads the token from git's own environment and is forgotten with the process. For the host of `url`
 * alone: a redirect to another one must not take the token there.
 */
function credentialHelper(token: string | undefined, url: string): string[] {
  if (token === undefined) return [];
  const helper = '!f() { echo username=x-access-token; echo "password=$GIT_TOKEN"; }; f';
  return ["-c", "credential.helper=", "-c", `credential.${new URL(url).origin}.helper=${helper}`];
}

async function mustSucceed(
  result: Promise<{ exitCode?: number | undefined; stderr: string }>,
  failure: (stderr: string) => JobFailure,
): Promise<void> {
  const { exitCode, stderr } = await result;
  if (exitCode !== 0) throw failure(stderr);
}

function refNotFound(ref: string): JobFailure {
  return new JobFailure("ref_not_found", `The repository has no branch, tag or commit ${ref}.`);
}

const failures = [
  { pattern: /No space left on device|Disk quota exceeded/, code: "disk_full" },
  {
    pattern:
      /not found|does not exist|does not appear to be a git repository|could not read Username|Authentication failed|returned error: 403|Permission denied \(publickey/i,
    code: "repository_not_found",
  },
  {
    pattern:
      /Could not resolve host|Failed to connect|Connection (?:refused|timed out|reset)|unable to access|Network is unreachable/i,
    code: "repository_unreachable",
  },
] as const;

function cloneFailure(stderr: string): JobFailure {
  const code = failures.find(({ pattern }) => pattern.test(stderr))?.code ?? "clone_failed";
  return new JobFailure(code, `git could not clone the repository: ${oneLine(stderr).slice(-2_000)}`);
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, "; ");
}
