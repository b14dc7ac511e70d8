import { expect, test } from "vitest";
import { parseEnvironment, RunnerEnvironment } from "../../adapters/environment.ts";
import { attachCommand } from "../../runner/attach-command.ts";

const names = { task: "arn:aws:ecs:us-east-1:1:task/c/0", session: "omx-1", socket: "/w/1/tmux/tmux.sock" };
const settings = (more: Record<string, string>) =>
  parseEnvironment(RunnerEnvironment, { TABLE_NAME: "t", QUEUE_URL: "q", PATH: "/bin", ...more });

test("Without a setting, people attach to the session's own tmux server.", () => {
  expect(attachCommand(settings({}).ATTACH_COMMAND, names)).toBe("tmux -S /w/1/tmux/tmux.sock attach -t omx-1");
});

test("A template gets the session's names wherever it asks for them, and nothing else of it changes.", () => {
  const template = "enter {task} {task} $& {session}";

  expect(attachCommand(settings({ ATTACH_COMMAND: template }).ATTACH_COMMAND, names)).toBe(
    `enter ${names.task} ${names.task} $& omx-1`,
  );
});

test.each(["{tasks}", "a {", "}", ""])("A template that asks for anything else is refused: %j", (template) => {
  expect(() => settings({ ATTACH_COMMAND: template })).toThrow(
    "ATTACH_COMMAND: may hold {task}, {session} and {socket}",
  );
});
