import { Scope } from "../core/api-key.ts";
import { handlerFile } from "../openapi/handler-file.ts";
import { gatewayProblems, problemBody } from "../openapi/problem.ts";
import type { Route } from "../openapi/route.ts";
import { type RouteName, routeNames, routes } from "../openapi/routes.ts";
import type { AuthorizerHandler } from "./gateway/gateway-route.ts";
import { type Gateway, type GatewayRoute, startGateway } from "./gateway/gateway-server.ts";
import { installAwsLambdaGlobal } from "./gateway/response-streaming.ts";
import type { Auth } from "./settings.ts";

/** Who everybody is where no key is asked for. */
const anybody = { tenantId: "local", keyId: "none", scopes: Scope.options.join(" ") };

/** The HTTP API: the handlers that Lambda runs, and with `keys` its authorizer, behind the local gateway. */
export async function startApi(port: number, log: (line: string) => void, auth: Auth = "none"): Promise<Gateway> {
  installAwsLambdaGlobal();
  const authorizer = auth === "keys" ? (await import("../functions/authorizer.ts")).handler : undefined;
  return startGateway({
    port,
    routes: await Promise.all(routeNames.map((name) => gatewayRoute(name, authorizer))),
    stage: "local",
    ...(auth === "none" && { authorizerContext: anybody }),
    problem: (status, _code, detail, requestId, instance) =>
      problemBody(gatewayProblems[status] ?? "internal_error", { detail, requestId, instance }),
    onFunctionFailure: ({ functionName, error }) => log(`${functionName} failed: ${error}`),
  });
}

async function gatewayRoute(name: RouteName, authorizer: AuthorizerHandler | undefined): Promise<GatewayRoute> {
  const route: Route = routes[name];
  const { handler } = await import(new URL(`../${handlerFile(name)}`, import.meta.url).href);
  return {
    ...{ name, method: route.method, path: route.path, streams: route.streams === true, handler },
    ...(!route.public && { authorizer }),
  };
}
