import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** A git host that speaks HTTP, with git's own server behind it. */
export interface GitHttpServer extends AsyncDisposable {
  readonly baseUrl: string;
  /** The `Authorization` of every request so far. */
  readonly credentials: readonly (string | undefined)[];
}

export interface GitHttpOptions {
  /** Called for each request; one that it answers itself goes no further. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
}

/** Serves the repositories of a folder, given as a file URL. */
export async function serveGit(folderUrl: string, options: GitHttpOptions = {}): Promise<GitHttpServer> {
  const credentials: (string | undefined)[] = [];
  const root = fileURLToPath(folderUrl);
  const server = createServer(async (request, response) => {
    credentials.push(request.headers.authorization);
    await options.intercept?.(request, response);
    if (!response.writableEnded) await runBackend(root, request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    credentials,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

/** What a server asks for that knows nobody without a password. */
export function askForPassword(response: ServerResponse): void {
  response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
}

/** git http-backend is a CGI program (RFC 3875). */
async function runBackend(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const environment = {
    PATH: process.env.PATH,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers["content-type"],
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
    GIT_PROTOCOL: request.headers["git-protocol"]?.toString(),
  };
  const backend = spawn("git", ["http-backend"], { env: environment, stdio: ["pipe", "pipe", "ignore"] });
  request.pipe(backend.stdin);
  const answer = await buffer(backend.stdout);
  const bodyAt = answer.indexOf("\r\n\r\n");
  const lines = answer.subarray(0, bodyAt).toString().split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(": ", 2)));
  const { Status = "200", ...rest } = headers;
  response.writeHead(Number.parseInt(Status, 10), rest).end(answer.subarray(bodyAt + 4));
}
