import { describe, expect, test, vi } from "vitest";
import { Scope } from "../../core/api-key.ts";
import type { Route } from "../../openapi/route.ts";
import { routeNames, routes } from "../../openapi/routes.ts";
import { lambdaOf } from "../helpers/api.ts";

const jobId = "01KB3Q9M6Y8Z4V5N7T2R1C0D9E";
const protectedNames = routeNames.filter((name) => !("public" in routes[name]));

describe.each(protectedNames)("%s", (name) => {
  const route: Route = routes[name];
  const answer = vi.fn();
  const call = lambdaOf(name, answer);
  const others = Scope.options.filter((scope) => scope !== route.scope);

  test("is refused to a key without its scope, however many others it has, before anything is done", async () => {
    for (const scopes of [[], others, [`${route.scope}s`, `x${route.scope}`]]) {
      const { status, headers, body } = await call({ scopes, params: { jobId } });

      expect(status).toBe(403);
      expect(headers["Content-Type"]).toBe("application/problem+json");
      expect(body).toMatchObject({ code: "forbidden", detail: expect.stringContaining(`scope ${route.scope}`) });
    }
    expect(answer).not.toHaveBeenCalled();
  });

  test("is refused to whom the authorizer has not named, whatever the request says of itself", async () => {
    const headers = { Authorization: "Bearer omx_x", "X-Tenant-Id": "tenant-1" };

    expect(await call({ tenantId: null, headers, params: { jobId } })).toMatchObject({
      status: 401,
      body: { code: "unauthorized", detail: expect.stringContaining("Authorization: Bearer omx_") },
    });
    expect(await call({ tenantId: "", params: { jobId } })).toMatchObject({ status: 401 });
    expect(answer).not.toHaveBeenCalled();
  });
});

test("A route that is public answers without a key, and to a key without scopes", async () => {
  const call = lambdaOf("getHealth", async () => ({ body: { status: "ok" } }));

  expect(await call({ tenantId: null })).toMatchObject({ status: 200 });
  expect(await call({ scopes: [] })).toMatchObject({ status: 200 });
});

test("A scope is enough where it stands among others, of a later version perhaps", async () => {
  const call = lambdaOf("listJobs", async () => ({ body: { jobs: [], nextCursor: null } }));

  expect(await call({ scopes: ["jobs:attach", "jobs:read", "billing"] })).toMatchObject({ status: 200 });
});
