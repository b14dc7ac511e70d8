import { chmod, mkdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type ControlServer, listenForPanes } from "../pane/control-server.ts";
import { killTree } from "../pane/kill-tree.ts";
import { Pane, type PaneLimits } from "../pane/pane.ts";
import type { PaneConnection } from "../pane/pane-connection.ts";
import { readProcess } from "../pane/process-table.ts";
import { findRequiredTools } from "./required-tools.ts";
import { parseStartedPanes, type StartedPane, sessionInvocations } from "./session-commands.ts";
import { sessionPaths } from "./session-paths.ts";
import { Spool } from "./spool-reader.ts";
import { createTmuxClient, type TmuxClient } from "./tmux-client.ts";
import { endServer, findServer } from "./tmux-server.ts";
import { RunningTmuxSession, type SessionParts, type TmuxSession } from "./tmux-session.ts";

const START_WITHIN_MILLISECONDS = 10_000;
const WRAPPER_PATH = fileURLToPath(new URL("../pane/pane-wrapper.pl", import.meta.url));

export interface TmuxSessionOptions extends PaneLimits {
  readonly name: string;
  /** Made if it is not there, and closed to other users: sockets and spools live in it. One session per directory. */
  readonly directory: string;
  readonly roles: readonly string[];
  /** `NAME=value`: an entry of every command's environment that no process outside the job has. */
  readonly marker: string;
  /** PATH, in which tmux, perl and bash are looked for. */
  readonly path: string;
  /** Aborts the start; later it has no effect. */
  readonly signal: AbortSignal;
}

/** The wrappers did not all report; the message holds what they printed instead. */
export class PanesDidNotStart extends Error {
  override readonly name = "PanesDidNotStart";
}

/** Rejects with ToolMissing, SocketPathTooLong, PanesDidNotStart, or RangeError for names that are more than names. */
export async function startTmuxSession(options: TmuxSessionOptions): Promise<TmuxSession> {
  const { name, directory, roles, path, signal } = options;
  const paths = sessionPaths(name, directory, roles);
  const tools = await findRequiredTools(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);

  await using cleanUp = new AsyncDisposableStack();
  const spools = new Map<string, Spool>();
  for (const role of roles) spools.set(role, cleanUp.use(await Spool.create(paths.spoolOf(role))));
  // Closed after the server has ended: a wrapper without a runner ends, and the server with the last of them.
  const control = cleanUp.use(await listenForPanes(paths.controlSocket, roles.length));
  const client = createTmuxClient(tools.tmux, paths.tmuxSocket, path);
  cleanUp.defer(() => endAnyServer(client));

  const wrapper = [tools.perl, WRAPPER_PATH, paths.controlSocket, tools.bash];
  const plans = roles.map((role) => ({ role, spoolPath: paths.spoolOf(role), argv: [...wrapper, role] }));
  let answer = "";
  for (const commands of sessionInvocations(name, plans)) answer = await client.run(...commands);
  const started = parseStartedPanes(answer);
  const connections = await awaitPanes(control, spools, signal);
  const session = new RunningTmuxSession(await assemble(options, client, started, connections, spools));
  // From here on the session cleans up, and nobody else may report.
  cleanUp.move();
  await control[Symbol.asyncDispose]();
  return session;
}

async function awaitPanes(
  control: ControlServer,
  spools: ReadonlyMap<string, Spool>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PaneConnection>> {
  const timeout = AbortSignal.timeout(START_WITHIN_MILLISECONDS);
  try {
    return await control.everyPane(AbortSignal.any([signal, timeout]));
  } catch (cause) {
    signal.throwIfAborted();
    const said = await Promise.all([...spools.values()].map((spool) => readFile(spool.path, "utf8")));
    throw new PanesDidNotStart(`The panes of the tmux session did not start. They printed: ${said.join("")}`, {
      cause,
    });
  }
}

async function assemble(
  options: TmuxSessionOptions,
  client: TmuxClient,
  started: readonly StartedPane[],
  connections: ReadonlyMap<string, PaneConnection>,
  spools: ReadonlyMap<string, Spool>,
): Promise<SessionParts> {
  const { name, roles, marker, stopGraceMilliseconds, maximumSpoolBytes } = options;
  const limits = { stopGraceMilliseconds, maximumSpoolBytes };
  const panes = new Map<string, Pane>();
  for (const [index, role] of roles.entries()) {
    const pane = started[index];
    const [connection, spool] = [connections.get(role), spools.get(role)];
    const wrapper = pane && (await readProcess(pane.processId));
    if (!pane || !wrapper || !connection || !spool)
      throw new PanesDidNotStart(`The pane of ${role} ended as it started`);
    const otherWrappers = started.filter((other) => other !== pane).map((other) => other.processId);
    panes.set(
      role,
      new Pane({
        role,
        paneId: pane.paneId,
        process: wrapper,
        connection,
        spool,
        limits,
        isCaptured: () => isCaptured(client, pane.paneId),
        killTree: () => killTree({ wrapper, marker, otherWrappers }),
      }),
    );
  }
  const server = await findServer(client);
  if (!server) throw new PanesDidNotStart("The tmux server ended as it started");
  return { name, client, server, panes, spools: [...spools.values()] };
}

/** Tells "no" from "could not ask", which is no reason to stop a command: tmux's own end is seen by its wrappers. */
async function isCaptured(client: TmuxClient, paneId: string): Promise<boolean> {
  const answer = await client.run(["display-message", "-p", "-t", paneId, "#{pane_pipe}"]).catch(() => "1");
  return answer === "1";
}

async function endAnyServer(client: TmuxClient): Promise<void> {
  const server = await findServer(client);
  if (server) await endServer(client, server);
  await rm(client.socketPath, { force: true });
}
