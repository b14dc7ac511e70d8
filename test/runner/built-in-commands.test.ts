import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maximumTaskBytes } from "../../core/limits.ts";
import { Provider, Role } from "../../core/roles.ts";
import { builtInCommand } from "../../runner/built-in-commands.ts";

/** Writes its name, its arguments and what it reads to $CALL_FILE, each ended by a NUL. */
const agent = `#!/bin/bash
printf '%s\\0' "\${0##*/}" "$@" > "$CALL_FILE"
cat >> "$CALL_FILE"
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "omx-agents-"));
  for (const name of ["codex", "omx", "claude", "gemini"]) await writeFile(join(folder, name), agent, { mode: 0o755 });
});

afterAll(() => rm(folder, { recursive: true }));

const named = Provider.options.filter((provider) => provider !== "custom");
const cases = named.flatMap((provider) => Role.options.map((role) => ({ provider, role })));

function commandOf(provider: Provider, role: Role): string {
  const command = builtInCommand(provider, role);
  if (command === undefined) throw new Error(`${provider} has no command`);
  return command;
}

/** Runs the command as a pane does, and answers the program and the arguments that it was called with. */
async function call(command: string, task: string): Promise<string[]> {
  const callFile = join(folder, "call");
  const environment = {
    PATH: `${folder}:/usr/bin:/bin`,
    CALL_FILE: callFile,
    JOB_TASK: task,
    JOB_WORKDIR: "/work dir/한글",
    JOB_PLAN_FILE: "/job dir/plan.md",
    JOB_RESULT_FILE: "/job dir/result.md",
  };
  await execa("bash", ["-c", command], { env: environment, extendEnv: false, input: "nobody reads this" });
  const called = await readFile(callFile, "utf8");
  // Nothing behind the last NUL: there is nothing to read.
  expect(called.endsWith("\0")).toBe(true);
  return called.slice(0, -1).split("\0");
}

describe.each(cases)("The built-in command of $provider for the $role", ({ provider, role }) => {
  const command = commandOf(provider, role);

  test("is something that bash can read, and names no task.", async () => {
    await execa("bash", ["-n", "-c", command]);
    expect(command).toContain("$JOB_TASK");
  });

  test("hands the task over as part of one argument, whatever it holds.", async () => {
    const task = `한국어 "double" 'single' $(touch x) \`id\` $HOME \\ * ; exit 1 # 🙂\n--flag\n$'\\n'`;
    const [program, ...args] = await call(command, task);
    expect(program).toBe(provider === "omc" ? "claude" : provider);
    const last = args.at(-1) ?? "";
    expect(last.startsWith(`You are the ${role} of a team.`)).toBe(true);
    expect(last.endsWith(`Task: ${task}`)).toBe(true);
    expect(args.slice(0, -1).join(" ")).not.toContain("한국어");
  });
});

test("Any text of the largest allowed size reaches the agent as it is.", async () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 200 }).map((sample) => sample.replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (sample, isLarge) => {
      const bytes = Buffer.byteLength(sample);
      const task = isLarge && bytes > 0 ? sample.repeat(Math.floor(maximumTaskBytes / bytes)) : sample;
      const args = await call(commandOf("codex", "planner"), task);
      expect(args.at(-1)?.endsWith(` Task: ${task}`)).toBe(true);
    }),
    { numRuns: 12 },
  );
});

test("Folders with blanks and Korean in their names stay one word.", async () => {
  const codex = await call(commandOf("codex", "planner"), "task");
  expect(codex[codex.indexOf("--cd") + 1]).toBe("/work dir/한글");
  expect(codex.at(-1)).toContain("the file /job dir/plan.md: what to change");
});

test("omx takes codex's arguments, and omc is claude.", async () => {
  const [codex, omx, claude, omc] = await Promise.all(
    (["codex", "omx", "claude", "omc"] as const).map((provider) => commandOf(provider, "executor")),
  );
  expect(omx).toBe(codex?.replace("codex", "omx"));
  expect(omc).toBe(claude);
});

test("custom has no command of its own.", () => {
  expect(Role.options.map((role) => builtInCommand("custom", role))).toEqual([undefined, undefined, undefined]);
});
