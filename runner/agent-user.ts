import { execa } from "execa";
import { JobFailure } from "./job-failure.ts";
import type { UnixUser } from "./pane/protocol.ts";

/** The user that the panes are given to: another one when the runner is root, else the runner's own (undefined). */
export async function resolveAgentUser(name: string): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid, groups] = await Promise.all(["-u", "-g", "-G"].map((flag) => id(flag, name)));
  if (Number(uid) === 0)
    throw new JobFailure("internal_error", `AGENT_USER must be an unprivileged user, not ${name}.`);
  return { uid: Number(uid), gid: Number(gid), groups: (groups ?? "").split(" ").map(Number) };
}

async function id(flag: string, name: string): Promise<string> {
  const result = await execa("id", [flag, "--", name], { reject: false });
  if (result.exitCode === 0) return result.stdout;
  throw new JobFailure("tool_missing", `The runner's AGENT_USER ${name} does not exist: ${result.stderr}`);
}
