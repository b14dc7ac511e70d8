import type { RequestListener, Server } from "node:http";

/**
 * Has the server answer to one access key alone. Agents, other users and web pages reach loopback, too, and whoever may
 * write to the table or run tasks may do all that the runner may. Reading by GET stays open: tasks ask for their metadata
 * without a key, as on AWS.
 */
export function admitOnly(server: Server, accessKeyId: string | undefined): void {
  if (accessKeyId === undefined) return;
  const listeners = server.listeners("request") as RequestListener[];
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    const isKnown = request.headers.authorization?.includes(` Credential=${accessKeyId}/`) ?? false;
    if (isKnown || request.method === "GET") {
      for (const listener of listeners) listener(request, response);
      return;
    }
    response.writeHead(403, { "Content-Type": "application/x-amz-json-1.0" });
    response.end(
      JSON.stringify({ __type: "UnrecognizedClientException", message: "This access key is not known here." }),
    );
  });
}
