import type { RequestListener } from "node:http";
import type { GatewayRoute } from "../../local/gateway/gateway-route.ts";
import { listenOnLoopback } from "../../local/gateway/listen-on-loopback.ts";
import { createRequestListener } from "../../local/gateway/request-listener.ts";
import { readSettings } from "../../local/settings.ts";
import { startStack } from "../../local/stack.ts";
import { handlerFile } from "../../openapi/handler-file.ts";
import { problemBody } from "../../openapi/problem.ts";
import type { Route } from "../../openapi/route.ts";
import { type RouteName, routeNames, routes } from "../../openapi/routes.ts";
import { tenantHeader } from "./tenants.ts";

/**
 * The embedded stack in a process of its own, and beside its gateway one more of the same make in which a header says who
 * the tenant is, as a key does on AWS. Sends that gateway's URL to its parent, and ends with it.
 */
await using _stack = await startStack(readSettings([]), tell);
const gatewayRoutes = await Promise.all(routeNames.map(gatewayRoute));
const listeners = new Map<string, RequestListener>();
await using gateway = await listenOnLoopback((request, response) => {
  listenerOf(String(request.headers[tenantHeader]))(request, response);
}, 0);
process.send?.(`http://127.0.0.1:${gateway.port}`);
await new Promise((resolve) => process.once("disconnect", resolve));

async function gatewayRoute(name: RouteName): Promise<GatewayRoute> {
  const route: Route = routes[name];
  const { handler } = await import(`../../${handlerFile(name)}`);
  return { name, method: route.method, path: route.path, streams: route.streams === true, handler };
}

function listenerOf(tenantId: string): RequestListener {
  const known = listeners.get(tenantId);
  if (known !== undefined) return known;
  const listener = createRequestListener(
    {
      routes: gatewayRoutes,
      stage: "local",
      authorizerContext: { tenantId },
      problem: (_status, _code, detail, requestId, instance) =>
        problemBody("internal_error", { detail, requestId, instance }),
      onFunctionFailure: ({ functionName, error }) => tell(`${functionName} failed: ${error}`),
    },
    new Set(),
  );
  listeners.set(tenantId, listener);
  return listener;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
