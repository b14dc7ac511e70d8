import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Git ignores it: MiniStack itself, the logs, and what is known of what runs. */
export const folder = join(root, ".ministack");

export const files = {
  virtualEnvironment: join(folder, "venv"),
  /** Of the process in the background: MiniStack's lines, and the runners'. */
  log: join(folder, "log"),
  deployLog: join(folder, "deploy.log"),
  cloudAssembly: join(folder, "cdk.out"),
  outputs: join(folder, "outputs.json"),
} as const;
