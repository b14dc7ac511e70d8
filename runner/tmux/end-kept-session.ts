import { createTmuxClient } from "./tmux-client.ts";
import { endServer, findServer } from "./tmux-server.ts";

/** Ends the tmux server of a session that was kept for people to look at. Does nothing if it is gone. */
export async function endKeptSession(socketPath: string, path: string): Promise<void> {
  const client = createTmuxClient("tmux", socketPath, path);
  const server = await findServer(client);
  if (server) await endServer(client, server);
}
