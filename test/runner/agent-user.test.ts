import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { resolveAgentUser } from "../../runner/agent-user.ts";
import { JobFailure } from "../../runner/job-failure.ts";

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)("A runner that is root", () => {
  test("gives the panes to the named user, with the groups of that user alone.", async () => {
    const { stdout } = await execa("getent", ["passwd", "nobody"]);
    const [, , uid, gid] = stdout.split(":").map(Number);
    expect(await resolveAgentUser("nobody")).toEqual({ uid, gid, groups: [gid] });
  });

  test.each(["no-such-user", "--help", "nobody extra", ""])("refuses a user that does not exist: %j.", async (name) => {
    const failure = await resolveAgentUser(name).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JobFailure);
    expect(failure).toMatchObject({ code: "tool_missing", message: expect.stringContaining("AGENT_USER") });
  });
});

test("A runner that is not root runs the panes as its own user, whatever is named.", async () => {
  const user = isRoot ? { uid: 65_534, gid: 65_534 } : {};
  const module = new URL("../../runner/agent-user.ts", import.meta.url).href;
  const script = `import { resolveAgentUser } from "${module}"; console.log(await resolveAgentUser("no-such-user"));`;
  const args = ["--input-type=module", "--eval", script];
  expect((await execa(process.execPath, args, { ...user, cwd: "/" })).stdout).toBe("undefined");
});
