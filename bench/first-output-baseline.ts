import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./directories.ts";

/** What nobody can do without: a process that clones and starts a recorded pane. Ends at the first byte of the recording. */
const script = `
const { execFileSync } = require("node:child_process");
const { statSync } = require("node:fs");
const [directory, repositoryUrl, command] = process.argv.slice(1);
execFileSync("git", ["clone", "--quiet", "--", repositoryUrl, directory + "/repo"]);
const spool = directory + "/spool";
const tmux = ["-S", directory + "/tmux.sock", "-f", "/dev/null"];
const session = ["new-session", "-d", "-x", "200", "-y", "50", "-c", directory + "/repo", command];
execFileSync("tmux", [...tmux, ...session, ";", "pipe-pane", "-O", "exec cat >>" + spool]);
while (!(statSync(spool, { throwIfNoEntry: false })?.size > 0)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
`;

const run = promisify(execFile);

/** Milliseconds from the start of a bare Node process to the first byte of the pane's recording. */
export async function bareFirstOutput(repositoryUrl: string, command: string): Promise<number> {
  await using cleanUp = new AsyncDisposableStack();
  const directory = await temporaryDirectory(cleanUp);
  const beganAt = performance.now();
  await run(process.execPath, ["-e", script, directory, repositoryUrl, command]);
  const took = performance.now() - beganAt;
  await run("tmux", ["-S", join(directory, "tmux.sock"), "kill-server"]);
  return took;
}
