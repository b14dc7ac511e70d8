import { expect, test } from "vitest";
import type { Deployment } from "./deployment.ts";
import { everyRole, newTenant } from "./tenant.ts";

/** What happens when a runner is lost. */
export function lossesSuite(deployment: () => Deployment): void {
  test("A job whose runner is killed starts anew as its second attempt, and its events go on without a gap", async () => {
    const tenant = await newTenant(deployment(), "killed");
    const command = 'echo "attempt $JOB_ATTEMPT"; [ "$JOB_ATTEMPT" -gt 1 ] || sleep 1000';
    const { jobId } = await tenant.submit({ ...everyRole("true"), planner: command });
    const started = await tenant.until(jobId, ({ type }) => type === "runner_started");
    await tenant.until(jobId, ({ type }) => type === "pane_output");

    if (started.type === "runner_started") deployment().killRunner(started.data.owner);

    expect(await tenant.end(jobId)).toMatchObject({ status: "succeeded", attempt: 2 });
    const events = await Array.fromAsync(tenant.events(jobId));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const ofSecond = events.filter(({ attempt }) => attempt === 2);
    expect(ofSecond.slice(0, 2).map(({ type }) => type)).toEqual(["runner_lost", "runner_started"]);
  });
}
