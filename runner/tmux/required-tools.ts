import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

type Tool = "tmux" | "perl" | "bash";

/** Absolute path of each tool that a session needs. */
export type ToolPaths = Readonly<Record<Tool, string>>;

export class ToolMissing extends Error {
  override readonly name = "ToolMissing";
  readonly tool: Tool;

  constructor(tool: Tool, path: string) {
    super(`${tool} is not in PATH (${path}). Install it, on Debian or Ubuntu with: apt-get install ${tool}`);
    this.tool = tool;
  }
}

/** Rejects with ToolMissing. */
export async function findRequiredTools(path: string): Promise<ToolPaths> {
  return { tmux: await findTool("tmux", path), perl: await findTool("perl", path), bash: await findTool("bash", path) };
}

async function findTool(tool: Tool, path: string): Promise<string> {
  // A relative entry would mean another file once the working directory is another.
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(directory, tool);
    const isExecutable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return candidate;
  }
  throw new ToolMissing(tool, path);
}
