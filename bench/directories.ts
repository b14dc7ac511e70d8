import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder, gone at the end. Open to be walked through: agents are another user when the runner is root. */
export async function temporaryDirectory(cleanUp: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "omx-bench-"));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o711);
  return directory;
}
