import { expect, test } from "vitest";
import { testKey } from "../../helpers/api-keys.ts";
import type { Deployment } from "./deployment.ts";
import { newTenant } from "./tenant.ts";

/** Who gets in, and to what. */
export function keysSuite(deployment: () => Deployment): void {
  const call = (path: string, authorization?: string, init: RequestInit = {}) =>
    fetch(`${deployment().url}${path}`, {
      ...init,
      ...(authorization !== undefined && { headers: { ...init.headers, Authorization: authorization } }),
    });

  test.each([
    ["none", () => undefined],
    ["what is no key", () => "Bearer omx_"],
    ["a key that nobody has made", () => testKey().header],
    ["another scheme", () => "Basic dXNlcjpwYXNz"],
  ])("401 is the answer to %s", async (_what, authorization) => {
    const refused = await call("/v1/jobs", authorization());

    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refused.json()).toMatchObject({ code: "unauthorized" });
  });

  test("401 is the answer to a key that has expired", async () => {
    const expired = await deployment().makeKey({ tenantId: "late", validUntil: "2026-01-01T00:00:00.000Z" });

    expect((await call("/v1/jobs", expired)).status).toBe(401);
  });

  test("Another tenant's job is 404, whatever is asked of it", async () => {
    const mine = await newTenant(deployment(), "mine");
    const other = await newTenant(deployment(), "other");
    const { jobId } = await mine.submit("true");

    for (const path of [`/v1/jobs/${jobId}`, `/v1/jobs/${jobId}/events`])
      expect((await other.get(path)).status).toBe(404);
    for (const action of ["cancel", "retry", "attach"])
      expect((await other.post(`/v1/jobs/${jobId}/${action}`)).status).toBe(404);
    expect(await (await other.get("/v1/jobs")).json()).toMatchObject({ jobs: [] });
    expect(await (await mine.get("/v1/jobs")).json()).toMatchObject({ jobs: [{ jobId }] });
    await mine.end(jobId);
  });

  test("A key that may only read is refused with 403 where it writes", async () => {
    const reader = await deployment().makeKey({ tenantId: "readers", scopes: ["jobs:read"] });
    const body = JSON.stringify({ provider: "custom", mode: "team", repo: "a/b", task: "x" });

    const refused = await call("/v1/jobs", reader, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });

    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: "forbidden" });
    expect((await call("/v1/jobs", reader)).status).toBe(200);
  });

  test("What is public needs no key, and what does not exist is 404", async () => {
    for (const path of ["/healthz", "/docs", "/docs/swagger-ui.css", "/openapi.json"])
      expect((await call(path)).status).toBe(200);
    const { authorization } = await newTenant(deployment(), "lost");
    expect((await call("/v1/jobs/01KB3Q9M6Y8Z4V5N7T2R1C0D9E", authorization)).status).toBe(404);
    expect((await call("/nothing", authorization)).status).toBe(404);
  });
}
