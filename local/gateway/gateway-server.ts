import type { ServerResponse } from "node:http";
import { listenOnLoopback } from "./listen-on-loopback.ts";
import { type AnsweringOptions, createRequestListener } from "./request-listener.ts";

export type { GatewayRoute, LambdaHandler } from "./gateway-route.ts";

export interface GatewayOptions extends AnsweringOptions {
  /** 0 takes any free port. */
  readonly port: number;
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
}

/**
 * Does what API Gateway does in front of the functions: turns an HTTP request into the event of a REST API's Lambda
 * proxy integration and the function's answer, whole or streamed, into the HTTP response, within the same limits.
 *
 * It differs from AWS in that all functions share one process that is never frozen, a function runs for many requests at
 * once, and the stream of one whose client has left is destroyed. There is no throttling, no cache (an
 * authorizer is asked about each request) and no idle timeout of streams.
 *
 * It listens on this machine only. Throws `PortInUse`. Disposing ends the streams and gives other answers a second.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const openStreams = new Set<ServerResponse>();
  const listener = await listenOnLoopback(createRequestListener(options, openStreams), options.port);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    async [Symbol.asyncDispose]() {
      for (const stream of openStreams) stream.destroy();
      await listener[Symbol.asyncDispose]();
    },
  };
}
