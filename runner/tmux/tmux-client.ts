import { homedir } from "node:os";
import { dirname } from "node:path";
import { execa } from "execa";

/** Runs commands on one private tmux server. */
export interface TmuxClient {
  readonly socketPath: string;
  /** Runs the commands in one invocation. Rejects if tmux says no, or if there is no server to say anything. */
  run(...commands: readonly (readonly string[])[]): Promise<string>;
}

/**
 * The environment is made here and not inherited: the first command starts the server, whose environment every
 * process in every pane can read. `/dev/null` keeps the configuration of whoever runs this out of the session.
 */
export function createTmuxClient(tmux: string, socketPath: string, path: string): TmuxClient {
  const environment = { PATH: path, HOME: homedir(), LANG: "C.UTF-8", TERM: "xterm-256color" };
  return {
    socketPath,
    async run(...commands) {
      const list = commands.flatMap((command, index) => (index === 0 ? command : [";", ...command]));
      const options = { cwd: dirname(socketPath), extendEnv: false, env: environment, stdin: "ignore" } as const;
      const { stdout } = await execa(tmux, ["-S", socketPath, "-f", "/dev/null", ...list], options);
      return stdout;
    },
  };
}
