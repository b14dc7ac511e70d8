import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { vi } from "vitest";

const configuration = fileURLToPath(new URL("../../../runner/image/attach.conf", import.meta.url));

/** Has a `session-manager-plugin` in the PATH that runs this. */
export async function pluginThatRuns(script: string): Promise<AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), "omx-plugin-"));
  const file = join(folder.path, "session-manager-plugin");
  await writeFile(file, `#!/bin/sh\n[ "$1" != --version ] || exit 0\nexport TERM=xterm-256color\n${script}\n`);
  await chmod(file, 0o755);
  vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
  return {
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await folder.remove();
    },
  };
}

/** One that leads to a tmux session as the image's attach program shows it. */
export async function pluginToSession(): Promise<AsyncDisposable> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = cleanUp.use(await mkdtempDisposable(join(tmpdir(), "omx-session-")));
  const tmux = ["-S", join(folder.path, "tmux.sock")];
  await execa("tmux", [...tmux, "-f", configuration, "new-session", "-d", "cat"]);
  cleanUp.defer(async () => void (await execa("tmux", [...tmux, "kill-server"])));
  cleanUp.use(await pluginThatRuns(`exec tmux ${tmux.join(" ")} attach-session -r`));
  const owned = cleanUp.move();
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
