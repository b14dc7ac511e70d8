import { join } from "node:path";

// sun_path of a unix socket on Linux holds 108 bytes with the NUL at its end (unix(7)).
const MAXIMUM_SOCKET_PATH_BYTES = 107;
const MAXIMUM_PANES = 20;

export interface SessionPaths {
  readonly tmuxSocket: string;
  readonly controlSocket: string;
  readonly spoolOf: (role: string) => string;
}

export class SocketPathTooLong extends Error {
  override readonly name = "SocketPathTooLong";

  constructor(path: string) {
    const bytes = Buffer.byteLength(path);
    super(
      `A unix socket cannot have the path ${path}: ${bytes} bytes, of ${MAXIMUM_SOCKET_PATH_BYTES} allowed. Use a shorter directory (WORK_ROOT).`,
    );
  }
}

/**
 * Where a session keeps its files. Throws SocketPathTooLong, and RangeError for names that a shell or tmux would read
 * as more than a name: tmux expands `%` and `#` in the command that captures a pane, and a shell runs it.
 */
export function sessionPaths(name: string, directory: string, roles: readonly string[]): SessionPaths {
  requireMatch("A session directory", directory, /^\/[A-Za-z0-9_/.-]*$/);
  requireMatch("A session name", name, /^[A-Za-z0-9_-]+$/);
  for (const role of roles) requireMatch("A role", role, /^[A-Za-z0-9_-]{1,64}$/);
  if (roles.length < 1 || roles.length > MAXIMUM_PANES || new Set(roles).size < roles.length) {
    throw new RangeError(`A session has 1 to ${MAXIMUM_PANES} different roles, not: ${roles.join(", ") || "none"}`);
  }
  return {
    tmuxSocket: socketPath(directory, "tmux.sock"),
    controlSocket: socketPath(directory, "control.sock"),
    spoolOf: (role) => join(directory, `${role}.spool`),
  };
}

function requireMatch(what: string, text: string, pattern: RegExp): void {
  if (!pattern.test(text)) throw new RangeError(`${what} has to match ${pattern}: ${JSON.stringify(text)}`);
}

function socketPath(directory: string, file: string): string {
  const path = join(directory, file);
  if (Buffer.byteLength(path) > MAXIMUM_SOCKET_PATH_BYTES) throw new SocketPathTooLong(path);
  return path;
}
