import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("..", import.meta.url));
const git = ["git", "-c", "safe.directory=*"].join(" ");

/** Output of real programs about this very project. Each is a shell command; all but the last are in colour. */
export function cliCommands(directory: string): Readonly<Record<string, string>> {
  return {
    "git log -p": `${git} -C ${project} log -p --color=always`,
    "ls -laR": `ls -laR --color=always ${project}node_modules`,
    "npm ls, npm query": `cd ${project}; npm ls --all --color=always; npm query "*"`,
    "grep -rn": `grep -rn --color=always --include=*.js return ${project}node_modules/@aws-sdk ${project}node_modules/zod`,
    "agent CLI, JSON lines": `cat ${directory}/agent.jsonl`,
  };
}

/**
 * JSON lines as agent CLIs print them: one event for each command that the agent runs, which reads one of the project's
 * files, with the command's output in it, and one for each message in between.
 */
export function agentJsonLines(): string {
  const files = execFileSync("git", ["-c", "safe.directory=*", "ls-files", "*.ts", "*.md", "*.pl"], {
    cwd: project,
    encoding: "utf8",
  });
  const lines = files
    .trim()
    .split("\n")
    .flatMap((file, index) => {
      const item = { id: `item_${index}`, type: "command_execution", command: `bash -lc 'sed -n 1,200p ${file}'` };
      const output = {
        aggregated_output: readFileSync(`${project}${file}`, "utf8"),
        exit_code: 0,
        status: "completed",
      };
      const message = {
        id: `item_${index}m`,
        type: "agent_message",
        text: `I have read \`${file}\`; next I look at what uses it.`,
      };
      return [
        { type: "item.started", item: { ...item, aggregated_output: "", exit_code: null, status: "in_progress" } },
        { type: "item.completed", item: { ...item, ...output } },
        { type: "item.completed", item: message },
      ];
    });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
