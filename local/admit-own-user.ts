import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Has the server hang up on every process of another user. Agents reach loopback, too: where the runner is root they are
 * somebody else, and what asks for no credentials would be theirs.
 */
export function admitOwnUser(server: Server): void {
  server.prependListener("connection", (socket: Socket) => {
    if (userAtOtherEnd(socket) !== process.getuid?.()) socket.destroy();
  });
}

/** The user id of the process at the other end of a connection over 127.0.0.1; undefined where it is gone already. */
function userAtOtherEnd({ remotePort, localPort }: Socket): number | undefined {
  if (remotePort === undefined || localPort === undefined) return undefined;
  for (const table of tables()) {
    const row = table.find(([, local = "", remote = ""]) => hasPort(local, remotePort) && hasPort(remote, localPort));
    if (row?.[7] !== undefined) return Number(row[7]);
  }
  return undefined;
}

/** All TCP connections of this machine, by columns: number, local and remote address, … and as the eighth the user. */
function tables(): string[][][] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].map((file) =>
    read(file)
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === ESTABLISHED),
  );
}

const ESTABLISHED = "01";

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // Without IPv6 there is no such file.
    return "";
  }
}

/** 127.0.0.1, also as IPv6 writes it; as on every machine that Node's prebuilt binaries run on, the low byte first. */
function hasPort(address: string, port: number): boolean {
  const [host = "", inHex = ""] = address.split(":");
  return host.endsWith("0100007F") && Number.parseInt(inHex, 16) === port;
}
