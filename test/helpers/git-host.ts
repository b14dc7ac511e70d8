import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";

/** A folder of bare repositories. */
export interface GitHost extends AsyncDisposable {
  readonly baseUrl: string;
  /** Makes `owner/name` with these files on branch main; answers the commit. */
  add(name: string, files: Readonly<Record<string, string>>): Promise<string>;
}

const identity = {
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@localhost",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@localhost",
};

export async function makeGitHost(): Promise<GitHost> {
  const root = await mkdtemp(join(tmpdir(), "omx-git-"));
  await chmod(root, 0o755);
  return {
    baseUrl: `file://${root}/`,
    async add(name, files) {
      const work = join(root, ".work", name);
      const git = (...args: string[]) => execa("git", args, { cwd: work, env: identity });
      await mkdir(work, { recursive: true });
      for (const [path, content] of Object.entries(files)) await writeFile(join(work, path), content);
      await git("init", "--quiet", "--initial-branch=main");
      await git("add", ".");
      await git("commit", "--quiet", "--allow-empty", "--message", "First");
      await mkdir(dirname(join(root, name)), { recursive: true });
      await git("clone", "--quiet", "--bare", work, join(root, name));
      return (await git("rev-parse", "HEAD")).stdout;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
