import type { Provider, Role } from "../core/roles.ts";

/** What each role is told, before the task itself. Read by a shell within double quotes. */
const briefs: Readonly<Record<Role, string>> = {
  planner:
    "You are the planner of a team. Write a plan for the task below to the file $JOB_PLAN_FILE: what to change, where, and how to verify it. Do not change the repository.",
  executor:
    "You are the executor of a team. Read the plan in $JOB_PLAN_FILE, then do the task below in the repository. Write a summary to $JOB_RESULT_FILE.",
  verifier:
    "You are the verifier of a team. Check that the repository fulfils the task below: run its tests, read the changes. Do not change the repository. Exit with an error if it does not.",
};

const prompt = (role: Role) => `"${briefs[role]} Task: $JOB_TASK"`;

/**
 * The commands of the known CLIs. Their sandboxes need user namespaces, which containers on Fargate do not have; the
 * container and the unprivileged user are the boundary instead. Standard input is closed: Codex CLI waits for it.
 */
const commands: Readonly<Record<Provider, ((role: Role) => string) | undefined>> = {
  codex: (role) => `codex exec ${codexFlags} ${prompt(role)} </dev/null`,
  omx: (role) => `omx exec ${codexFlags} ${prompt(role)} </dev/null`,
  claude: (role) => `claude ${claudeFlags} -p ${prompt(role)} </dev/null`,
  omc: (role) => `claude ${claudeFlags} -p ${prompt(role)} </dev/null`,
  gemini: (role) => `gemini --approval-mode yolo --skip-trust -p ${prompt(role)} </dev/null`,
  custom: undefined,
};

const codexFlags = '--json --dangerously-bypass-approvals-and-sandbox --skip-git-repo-check --cd "$JOB_WORKDIR"';
/** Only the user's own settings: those of a repository could run its hooks or redirect the model's key. */
const claudeFlags =
  "--output-format stream-json --verbose --permission-mode bypassPermissions --setting-sources user --strict-mcp-config";

export function builtInCommand(provider: Provider, role: Role): string | undefined {
  return commands[provider]?.(role);
}
