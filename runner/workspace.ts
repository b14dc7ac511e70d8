import { chown, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { logError } from "../adapters/log.ts";
import type { JobSpec } from "../core/job.ts";
import { cloneRepository, type GitSettings, headCommit, initRepository } from "./git.ts";
import { JobFailure } from "./job-failure.ts";
import type { UnixUser } from "./pane/protocol.ts";
import { endKeptSession } from "./tmux/end-kept-session.ts";

/** The folders of one job. All but `tmux` belong to the agents. */
export interface Workspace extends AsyncDisposable {
  /** For the clone: `JOB_WORKDIR`. Not there before it is filled. */
  readonly repository: string;
  /** What the roles hand to each other: `JOB_DIR`. */
  readonly jobDirectory: string;
  readonly home: string;
  /** Sockets and spools; the runner's alone. */
  readonly tmux: string;
  /** Leaves everything in place when the workspace is disposed of: the session that shows it is kept. */
  keep(): void;
}

export interface WorkspaceSettings {
  readonly workRoot: string;
  readonly skipClone: boolean;
  readonly git: GitSettings;
  readonly user: UnixUser | undefined;
}

/** Makes the job's folders, all but the repository. Throws `JobFailure` with a reason to tell. */
export async function openWorkspace(
  settings: WorkspaceSettings,
  job: { readonly jobId: string; readonly task: string },
): Promise<Workspace> {
  const root = join(settings.workRoot, job.jobId);
  const [repository, jobDirectory, home, tmux] = [
    join(root, "repo"),
    join(root, "job"),
    join(root, "home"),
    join(root, "tmux"),
  ];
  const taskFile = join(jobDirectory, "task.md");
  let isKept = false;
  try {
    await makeDirectories(settings, root, [jobDirectory, home, tmux]);
    await writeFile(taskFile, job.task);
    const { user } = settings;
    if (user) for (const path of [jobDirectory, taskFile, home]) await chown(path, user.uid, user.gid);
  } catch (error) {
    await removeTree(root);
    throw asJobFailure(error, root);
  }
  const keep = () => {
    isKept = true;
  };
  const dispose = async () => {
    // What the job has come to does not change by what it leaves behind.
    if (!isKept) await removeTree(root).catch((error: unknown) => logError("a workspace is left", error, { root }));
  };
  return { repository, jobDirectory, home, tmux, keep, [Symbol.asyncDispose]: dispose };
}

/** Clones into the workspace; answers the commit that the job starts from. Throws `JobFailure` with a reason to tell. */
export async function fillRepository(
  settings: WorkspaceSettings,
  { repository }: Workspace,
  { repositoryUrl: url, ref }: Pick<JobSpec, "repositoryUrl" | "ref">,
  signal: AbortSignal,
): Promise<string> {
  try {
    if (settings.skipClone) await initRepository(settings.git, repository, signal);
    else await cloneRepository(settings.git, { url, ref }, repository, signal);
    const baseSha = await headCommit(settings.git, repository, signal);
    await handOver(settings.user, repository);
    return baseSha;
  } catch (error) {
    throw asJobFailure(error, repository);
  }
}

/** An earlier attempt of the job on this machine leaves nothing to this one: no files, and no session that it kept. */
async function makeDirectories(
  { workRoot, git, user }: WorkspaceSettings,
  root: string,
  directories: readonly string[],
): Promise<void> {
  await mkdir(workRoot, { recursive: true, mode: 0o711 });
  const { uid, mode } = await lstat(workRoot);
  const isClosed = user !== undefined && (mode & 0o001) === 0;
  const fault = uid !== process.getuid?.() ? "belongs to another user" : isClosed && "is closed to the agents";
  if (fault)
    throw new JobFailure("internal_error", `WORK_ROOT ${workRoot} ${fault}: take a folder of your own, mode 0711.`);
  await endKeptSession(join(root, "tmux", "tmux.sock"), git.path);
  await removeTree(root);
  await mkdir(root, { mode: 0o711 });
  for (const directory of directories) await mkdir(directory, { mode: 0o700 });
}

async function removeTree(root: string): Promise<void> {
  const remove = () => rm(root, { recursive: true, force: true });
  await remove().catch(async () => {
    // Programs leave folders that nobody may write to, such as Go's module cache.
    await execa("chmod", ["-R", "u+rwX", "--", root], { reject: false });
    await remove();
  });
}

async function handOver(user: UnixUser | undefined, directory: string): Promise<void> {
  if (user) await execa("chown", ["-R", `${user.uid}:${user.gid}`, "--", directory]);
}

function asJobFailure(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new JobFailure("disk_full", `There is no room left for ${folder}.`, { cause: error });
}
