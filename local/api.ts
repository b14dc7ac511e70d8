import { handlerFile } from "../openapi/handler-file.ts";
import { gatewayProblems, problemBody } from "../openapi/problem.ts";
import { type Route, type RouteName, routeNames, routes } from "../openapi/routes.ts";
import { type Gateway, type GatewayRoute, startGateway } from "./gateway/gateway-server.ts";
import { installAwsLambdaGlobal } from "./gateway/response-streaming.ts";

/** The tenant of everybody: the embedded start asks for no key, on loopback. */
const tenantId = "local";

/** The HTTP API: the handlers that Lambda runs, behind the local gateway. */
export async function startApi(port: number, log: (line: string) => void): Promise<Gateway> {
  installAwsLambdaGlobal();
  return startGateway({
    port,
    routes: await Promise.all(routeNames.map(gatewayRoute)),
    stage: "local",
    authorizerContext: { tenantId },
    problem: (status, _code, detail, requestId, instance) =>
      problemBody(gatewayProblems[status] ?? "internal_error", { detail, requestId, instance }),
    onFunctionFailure: ({ functionName, error }) => log(`${functionName} failed: ${error}`),
  });
}

async function gatewayRoute(name: RouteName): Promise<GatewayRoute> {
  const route: Route = routes[name];
  const { handler } = await import(`../${handlerFile(name)}`);
  return { name, method: route.method, path: route.path, streams: route.streams === true, handler };
}
