import { spawnSync } from "node:child_process";

/** What the title of a suite says where it is skipped for want of these programs; "" where they are all there. */
export function skippedWithout(...programs: readonly string[]): string {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).error !== undefined);
  return missing.length === 0
    ? ""
    : ` (skipped: there is no ${missing.join(", no ")}; infra-cdk/egress-proxy/check.sh)`;
}
