import { expect, test } from "vitest";
import type { Job } from "../../../core/job.ts";
import type { Deployment } from "./deployment.ts";
import { newTenant } from "./tenant.ts";

/** What one tenant may have at a time. */
export function quotaSuite(deployment: () => Deployment): void {
  test("As many jobs run as may, as many wait as may, one more is refused with 429, and room that is made is used", async () => {
    const { limits } = deployment();
    const tenant = await newTenant(deployment(), "quota");
    const accepted: Job[] = [];
    for (let count = 0; count < limits.maxConcurrentJobs + limits.maxQueuedJobs; count += 1)
      accepted.push(await tenant.submit("sleep 1000"));
    const [first, ...others] = accepted.map(({ jobId }) => jobId);
    const waiting = others.slice(limits.maxConcurrentJobs - 1);

    const refused = await tenant.trySubmit("true");

    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "quota_exceeded", retryable: true });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await tenant.job(waiting[0] ?? "")).waiting).toBe("tenant_limit");

    await tenant.post(`/v1/jobs/${first}/cancel`);
    await tenant.until(waiting[0] ?? "", ({ type }) => type === "runner_started");

    // The last first, so that none of them takes another's place.
    for (const jobId of others.toReversed()) expect((await tenant.post(`/v1/jobs/${jobId}/cancel`)).status).toBe(202);
    for (const jobId of others) expect((await tenant.end(jobId)).status).toBe("cancelled");
  });
}
