import { rm } from "node:fs/promises";
import { type ProcessEntry, readProcess, sendSignal, waitUntilGone } from "../pane/process-table.ts";
import type { TmuxClient } from "./tmux-client.ts";

const END_WITHIN_MILLISECONDS = 5_000;

/** The process of the server behind the client's socket; undefined if there is none. */
export async function findServer(client: TmuxClient): Promise<ProcessEntry | undefined> {
  const processId = await client.run(["display-message", "-p", "#{pid}"]).catch(() => undefined);
  return processId ? readProcess(Number(processId)) : undefined;
}

/** Resolves when the process is gone: `kill-server` returns before that, and a new server on its socket would fail. */
export async function endServer(client: TmuxClient, server: ProcessEntry): Promise<void> {
  await client.run(["kill-server"]).catch(() => {
    // It ends by itself with its last pane.
  });
  if (!(await waitUntilGone(server, END_WITHIN_MILLISECONDS))) {
    sendSignal([server.processId], "SIGKILL");
    await waitUntilGone(server, END_WITHIN_MILLISECONDS);
  }
  await rm(client.socketPath, { force: true });
}
