import { expect, test } from "vitest";
import { agentCommand } from "../../runner/agent-command.ts";
import { builtInCommand } from "../../runner/built-in-commands.ts";
import { JobFailure } from "../../runner/job-failure.ts";
import { jobSpec } from "../helpers/jobs.ts";

const settings = {
  JOB_CODEX_EXECUTOR_CMD: "of the provider and role",
  JOB_EXECUTOR_CMD: "of the role",
  JOB_CODEX_PLANNER_CMD: "of the planner",
};

const request = (agentCommands: Record<string, string> = {}) =>
  jobSpec({ provider: "codex", options: { agentCommands } });

test("The request's command outranks the deployment's.", () => {
  expect(agentCommand("executor", request({ executor: "of the request" }), settings)).toBe("of the request");
});

test("The deployment's command for provider and role outranks the one for the role.", () => {
  expect(agentCommand("executor", request(), settings)).toBe("of the provider and role");
});

test("The deployment's command for the role outranks the built-in one, for every provider.", () => {
  const forRole = { JOB_EXECUTOR_CMD: "of the role" };
  expect(agentCommand("executor", request(), forRole)).toBe("of the role");
  expect(agentCommand("executor", jobSpec({ provider: "custom" }), forRole)).toBe("of the role");
});

test("Without any of them it is the provider's built-in command.", () => {
  expect(agentCommand("verifier", request({ executor: "another role's" }), settings)).toBe(
    builtInCommand("codex", "verifier"),
  );
});

test("Settings of another provider or role do not count.", () => {
  const others = { JOB_CLAUDE_EXECUTOR_CMD: "of claude", JOB_PLANNER_CMD: "of the planner" };
  expect(agentCommand("executor", request(), others)).toBe(builtInCommand("codex", "executor"));
});

test("A role without any command is told where one is looked for.", () => {
  const find = () => agentCommand("planner", jobSpec({ provider: "custom" }), {});
  expect(find).toThrow(JobFailure);
  expect(find).toThrow(/options\.agentCommands\.planner, JOB_CUSTOM_PLANNER_CMD, JOB_PLANNER_CMD/);
  expect(find).toThrow(expect.objectContaining({ code: "no_agent_command" }));
});
