import { spawnSync } from "node:child_process";

/** The programs that the runner needs beside Node, and which package brings each. */
const tools = ["git", "tmux", "perl", "bash"] as const;

/** How the known package managers install, the first one found is used. */
const managers = [
  { program: "apt-get", install: (packages: string) => `apt-get update && apt-get install -y ${packages}` },
  { program: "dnf", install: (packages: string) => `dnf install -y ${packages}` },
  { program: "apk", install: (packages: string) => `apk add ${packages}` },
  { program: "pacman", install: (packages: string) => `pacman -Sy --noconfirm ${packages}` },
  { program: "brew", install: (packages: string) => `brew install ${packages}` },
];

/** Installs what is missing where that is allowed; else says the one line to type, and ends the process with 1. */
export function installTools(): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const manager = managers.find(({ program }) => isInstalled(program));
  const line = manager?.install(missing.join(" "));
  if (line && mayInstall(manager?.program)) {
    process.stderr.write(`Installing ${missing.join(", ")}: ${line}\n`);
    spawnSync("sh", ["-c", line], { stdio: ["ignore", "ignore", "inherit"] });
  }
  const stillMissing = missing.filter((tool) => !isInstalled(tool));
  if (stillMissing.length === 0) return;
  const advice = line
    ? `sudo sh -c '${line}'`
    : `install ${stillMissing.join(" and ")} with your system's package manager`;
  process.stderr.write(`omx-web needs ${stillMissing.join(" and ")}. Type this, then start again:\n  ${advice}\n`);
  process.exit(1);
}

function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;
}

/** Homebrew refuses to run as root; the others need it. */
function mayInstall(program: string | undefined): boolean {
  const isRoot = process.getuid?.() === 0;
  return program === "brew" ? !isRoot : isRoot;
}

if (import.meta.main) installTools();
