import createRouter from "find-my-way";

/** Percent-decoded; `null` for a resource without parameters. */
export type PathParameters = Readonly<Record<string, string>> | null;

export interface FoundRoute<Route> {
  readonly kind: "found";
  readonly route: Route;
  /** The path as it was declared. */
  readonly resource: string;
  readonly pathParameters: PathParameters;
}

/** `allow` is the header of the same name. */
export type RouteMatch<Route> =
  | FoundRoute<Route>
  | { readonly kind: "wrong_method"; readonly allow: string }
  | { readonly kind: "unknown_path" | "bad_path"; readonly allow?: undefined };

/** All methods of one path. Like API Gateway, a request finds its resource first and only then the method in it. */
interface Resource<Route> {
  readonly path: string;
  /** The name of each parameter, by its name in the router. */
  readonly parameterNames: ReadonlyMap<string, string>;
  readonly methods: ReadonlyMap<string, Route>;
}

const NO_QUERY = {};

/** Finds the route of a request; `url` is the path and the query. */
export function createRouteTable<Route extends { readonly method: string; readonly path: string }>(
  routes: readonly Route[],
): (method: string, url: string) => RouteMatch<Route> {
  const router = createRouter({
    // The length of a URL is Node's to limit.
    maxParamLength: Number.POSITIVE_INFINITY,
    querystringParser: () => NO_QUERY,
    onBadUrl: () => undefined,
  });
  for (const [path, routesOfPath] of Map.groupBy(routes, (route) => route.path)) {
    const { pattern, parameterNames } = toPattern(path);
    const methods = new Map(routesOfPath.map((route) => [route.method, route]));
    router.on("GET", pattern, () => undefined, { path, parameterNames, methods } satisfies Resource<Route>);
  }

  return (method, url) => {
    if (!url.startsWith("/")) return { kind: "bad_path" };
    const found = router.find("GET", url);
    if (found === null) return { kind: "unknown_path" };
    const resource: Resource<Route> | null = found.store;
    return resource === null ? { kind: "bad_path" } : matchMethod(method, resource, found.params);
  };
}

function matchMethod<Route>(
  method: string,
  { path, parameterNames, methods }: Resource<Route>,
  params: Readonly<Record<string, string | undefined>>,
): RouteMatch<Route> {
  const pathParameters = nameParameters(parameterNames, params);
  if (pathParameters === undefined) return { kind: "unknown_path" };
  const route = methods.get(method);
  if (route === undefined) return { kind: "wrong_method", allow: [...methods.keys()].join(", ") };
  return { kind: "found", route, resource: path, pathParameters };
}

/** Nothing where one is empty: the router would take `/v1/jobs/` for a job without an id, API Gateway does not. */
function nameParameters(
  parameterNames: ReadonlyMap<string, string>,
  params: Readonly<Record<string, string | undefined>>,
): PathParameters | undefined {
  if (parameterNames.size === 0) return null;
  const parameters: Record<string, string> = {};
  for (const [key, name] of parameterNames) {
    const value = params[key];
    if (!value) return undefined;
    parameters[name] = value;
  }
  return parameters;
}

/** `/v1/jobs/{jobId}` → `/v1/jobs/:0`, since the router reads more than a name from some names. */
function toPattern(path: string) {
  const parameterNames = new Map<string, string>();
  const pattern = path.replaceAll(":", "::").replace(/\{([^}+]+)(\+?)\}/g, (_, name: string, greedy: string) => {
    const key = greedy ? "*" : String(parameterNames.size);
    parameterNames.set(key, name);
    return greedy ? "*" : `:${key}`;
  });
  return { pattern, parameterNames };
}
