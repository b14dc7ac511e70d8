import type { Server } from "node:http";

/** Dynalite rethrows the error of a request whose client died in mid-request, which ends the whole process. */
export function surviveAbortedRequests(server: Server): void {
  // Dynalite's listener has run by now: it is the first one. Without an error listener node drops the request quietly.
  server.on("request", (request) => request.removeAllListeners("error"));
}
