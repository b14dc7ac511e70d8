import type { Server } from "node:http";

/** Dynalite lets any web page of any origin read and write: its answers say so to a request that has an `origin`. */
export function refuseWebPages(server: Server): void {
  server.prependListener("request", (request) => {
    delete request.headers.origin;
  });
}
