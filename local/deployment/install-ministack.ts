import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { CannotGoOn } from "./cannot-go-on.ts";
import { files } from "./folder.ts";

/** The one place where its version is said. */
const requirement = "ministack==1.5.33";

const marker = join(files.virtualEnvironment, "omx-web-installed");
const python = join(files.virtualEnvironment, "bin", "python");

/** Installs MiniStack into a virtual environment of its own unless it is there; answers its Python. Throws `CannotGoOn`. */
export async function installMiniStack(tell: (line: string) => void): Promise<string> {
  const installed = await readFile(marker, "utf8").catch(() => undefined);
  if (installed === requirement) return python;
  await requirePython();
  tell(`Installing ${requirement} into ${files.virtualEnvironment}`);
  await rm(files.virtualEnvironment, { recursive: true, force: true });
  await step("python3", ["-m", "venv", files.virtualEnvironment]);
  await step(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]);
  await writeFile(marker, requirement);
  return python;
}

const suits = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

async function requirePython(): Promise<void> {
  const { failed } = await execa("python3", ["-c", suits], { reject: false });
  if (!failed) return;
  throw new CannotGoOn(
    "MiniStack needs Python 3.10 or newer with its venv module. Type this (on Debian and Ubuntu; elsewhere, install them " +
      "as your system does), then npm run local:up again:\n" +
      "  sudo sh -c 'apt-get update && apt-get install -y python3 python3-venv'",
  );
}

async function step(program: string, args: readonly string[]): Promise<void> {
  const { failed, all } = await execa(program, args, { reject: false, all: true });
  if (!failed) return;
  const said = all.trim().split("\n").slice(-5).join("\n");
  throw new CannotGoOn(
    `${requirement} could not be installed. See to what pip says, then type npm run local:up again:\n${said}`,
  );
}
