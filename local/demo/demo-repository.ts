import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** A folder of bare repositories, as a git host keeps them. */
export interface GitHost extends AsyncDisposable {
  /** For `GIT_BASE_URL`. */
  readonly baseUrl: string;
}

const files = {
  "greet.sh": '#!/bin/sh\n# Greets whoever is named.\necho "Hello, $1!"\n',
  "test.sh":
    '#!/bin/sh\n# The repository\'s own tests.\nset -eu\n[ "$(sh greet.sh Ada)" = "Hello, Ada!" ] && echo "ok 1 - greets in English"\n[ "$(sh greet.sh Ada ko)" = "안녕하세요, Ada!" ] && echo "ok 2 - greets in Korean"\n',
  "README.md": "# greeter\n\n`sh greet.sh NAME [LANGUAGE]`, tested by `sh test.sh`.\n",
};

/** Makes `demo/greeter`: a small program whose tests ask for more than it can do yet. */
export async function makeGitHost(): Promise<GitHost> {
  const root = await mkdtemp(join(tmpdir(), "omx-web-demo-"));
  const [work, bare] = [join(root, "work"), join(root, "git", "demo", "greeter")];
  await mkdir(work);
  for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content);
  const git = (...args: string[]) => execa("git", args, { cwd: work, env: author });
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "Greet in English");
  await git("clone", "--quiet", "--bare", work, bare);
  await chmod(root, 0o755);
  return {
    baseUrl: `file://${join(root, "git")}/`,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

const author = {
  GIT_AUTHOR_NAME: "omx-web",
  GIT_AUTHOR_EMAIL: "omx-web@localhost",
  GIT_COMMITTER_NAME: "omx-web",
  GIT_COMMITTER_EMAIL: "omx-web@localhost",
};
