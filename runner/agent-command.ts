import { commandVariables } from "../adapters/environment.ts";
import type { JobSpec } from "../core/job.ts";
import type { Role } from "../core/roles.ts";
import { builtInCommand } from "./built-in-commands.ts";
import { JobFailure } from "./job-failure.ts";

/**
 * The shell command of a role: the request's, else the deployment's for this provider and role, else the deployment's
 * for the role, else the provider's built-in one. Throws `no_agent_command` if there is none.
 */
export function agentCommand(role: Role, spec: JobSpec, settings: Readonly<Record<string, string>>): string {
  const { provider, options } = spec;
  const variables = commandVariables(provider, role);
  const configured = variables.map((name) => settings[name]).find((command) => command !== undefined);
  const command = options.agentCommands[role] ?? configured ?? builtInCommand(provider, role);
  if (command !== undefined) return command;
  const where = `options.agentCommands.${role}, ${variables.join(", ")}`;
  throw new JobFailure("no_agent_command", `Provider ${provider} has no command for the ${role}: none in ${where}.`);
}
