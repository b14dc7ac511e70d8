import { execa } from "execa";
import type { Finding } from "./finding.ts";

/** AWS's, by which the command of an attachment opens the session. */
const plugin = "session-manager-plugin";
/** At the right of the status line (runner/image/attach.conf). */
const statusLine = "Ctrl-] leaves";
const leave = "\u001d";
const patienceMilliseconds = 60_000;

/** Pastes the command into a terminal, looks whether the job's session is shown there, and leaves it by its key. */
export async function openSession(command: string): Promise<Omit<Finding, "what">> {
  const { code } = await execa(plugin, ["--version"], { reject: false });
  if (code === "ENOENT") return { seen: `not tried: no ${plugin}`, isAsExpected: undefined };
  const line = `stty cols 120 rows 40; ${command}`;
  const terminal = execa("script", ["-qefc", line, "/dev/null"], {
    stdin: "pipe",
    all: true,
    reject: false,
    timeout: patienceMilliseconds,
  });
  let shown = "";
  terminal.all.on("data", (bytes) => {
    const wasShown = shown.includes(statusLine);
    shown += String(bytes);
    if (!wasShown && shown.includes(statusLine)) terminal.stdin.write(leave);
  });
  const { exitCode, timedOut } = await terminal;
  if (!shown.includes(statusLine)) return { seen: `no status line: ${lastLine(shown)}`, isAsExpected: false };
  if (timedOut || exitCode !== 0) return { seen: "its panes, and no way out of it", isAsExpected: false };
  return { seen: "its panes, left by Ctrl-]", isAsExpected: true };
}

function lastLine(output: string): string {
  return output.trim().split(/\s*\n/).at(-1)?.slice(0, 200) || "nothing at all";
}
