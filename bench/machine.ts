import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

/** What the numbers were measured on, one property a line. */
export function describeMachine(): string[] {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  const version = (program: string, flag: string) => execFileSync(program, [flag], { encoding: "utf8" }).trim();
  return [
    `processor: ${cpus().length} × ${model}`,
    `memory: ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `load at the start (1, 5, 15 minutes): ${loadavg()
      .map((load) => load.toFixed(2))
      .join(", ")}`,
    `system: ${version("uname", "-sr")}`,
    `Node ${process.version}, ${version("tmux", "-V")}, ${version("git", "--version")}`,
  ];
}
