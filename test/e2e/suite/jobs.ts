import { describe, expect, test } from "vitest";
import { processesWith } from "../../helpers/processes.ts";
import { parseEvents } from "../../helpers/server-sent-events.ts";
import { outputOf } from "../../helpers/service.ts";
import type { Deployment } from "./deployment.ts";
import { everyRole, newTenant } from "./tenant.ts";

const commands = {
  planner: 'echo "계획: $JOB_TASK 🙂"; echo plan > "$JOB_PLAN_FILE"',
  executor: 'cat "$JOB_PLAN_FILE"; echo two >> a.txt',
  verifier: "sh test.sh && echo verified",
};

/** The life of a job: submitted, watched, cancelled, tried again. */
export function jobsSuite(deployment: () => Deployment): void {
  test("A team job plans, changes the code, verifies it, and its events tell all of it, in order and without a gap", async () => {
    const tenant = await newTenant(deployment(), "team");
    const accepted = await tenant.submit(commands);

    const events = await Array.fromAsync(tenant.events(accepted.jobId));

    expect(accepted).toMatchObject({ status: "queued", attempt: 0, verified: null });
    expect(await tenant.job(accepted.jobId)).toMatchObject({ status: "succeeded", verified: true, attempt: 1 });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const stage = ["pane_started", "stage_finished"];
    expect(events.map(({ type }) => type).filter((type) => type !== "pane_output")).toEqual([
      ...["job_queued", "runner_started", "git_clone_started", "git_clone_finished", "tmux_session_started"],
      ...[...stage, ...stage, ...stage, "verdict", "job_finished"],
    ]);
    expect(outputOf(events, "planner")).toBe("계획: 작업 🙂\r\n");
    expect(outputOf(events, "verifier")).toBe("verified\r\n");
  });

  test("An accepted job is found where the answer says, wherever the API is, and so is one that is tried again", async () => {
    const tenant = await newTenant(deployment(), "where");
    const accepted = await tenant.trySubmit("true");
    const jobUrl = new URL(accepted.headers.get("location") ?? "", accepted.url);
    const first = (await accepted.json()) as { jobId: string };
    await tenant.end(first.jobId);
    const again = await tenant.post(`/v1/jobs/${first.jobId}/retry`);
    const headers = { Authorization: tenant.authorization };

    const found = await Promise.all(
      [jobUrl, new URL(again.headers.get("location") ?? "", again.url)].map((url) => fetch(url, { headers })),
    );

    const [one, other] = await Promise.all(found.map(async (response) => (await response.json()) as { jobId: string }));
    expect(one).toMatchObject({ jobId: first.jobId, retryOf: null });
    expect(other).toMatchObject({ retryOf: first.jobId });
    await tenant.end(String(other?.jobId));
  });

  test("The stream of a job that has ended gives the events of the pages, and goes on after Last-Event-ID", async () => {
    const tenant = await newTenant(deployment(), "stream");
    const { jobId } = await tenant.submit(commands);
    const events = await Array.fromAsync(tenant.events(jobId));
    const path = `/v1/jobs/${jobId}/events`;

    const whole = await tenant.get(path, { Accept: "text/event-stream" });
    const rest = await tenant.get(path, { Accept: "text/event-stream", "Last-Event-ID": "5" });

    expect(whole.headers.get("content-type")).toContain("text/event-stream");
    expect(parseEvents(await whole.text()).map(({ data }) => data)).toEqual(events);
    expect(parseEvents(await rest.text()).map(({ id }) => id)).toEqual(events.slice(5).map(({ seq }) => seq));
  });

  test("Events come while the job runs: by the stream where there is one, else by pages", async () => {
    const { isStreaming } = deployment();
    const tenant = await newTenant(deployment(), "watch");
    const { jobId } = await tenant.submit("echo at work; sleep 1000");
    await tenant.until(jobId, ({ type }) => type === "pane_output");

    if (isStreaming) {
      const headers = { Authorization: tenant.authorization, Accept: "text/event-stream" };
      const { body } = await fetch(`${deployment().url}/v1/jobs/${jobId}/events`, { headers });
      let streamed = "";
      for await (const bytes of body ?? []) {
        streamed += Buffer.from(bytes).toString();
        if (streamed.includes("pane_output")) break;
      }
      expect(streamed).toContain("job_queued");
    }

    expect((await tenant.job(jobId)).status).toBe("running");
    await tenant.post(`/v1/jobs/${jobId}/cancel`);
    await tenant.end(jobId);
  });

  test("A cancel ends the job and all its processes, daemons included", async () => {
    const tenant = await newTenant(deployment(), "cancel");
    const { jobId } = await tenant.submit("(setsid sleep 1000 >/dev/null 2>&1 &); echo started; sleep 1000");
    await tenant.until(jobId, ({ type }) => type === "pane_output");
    expect(processesWith(`JOB_ID=${jobId}`).length).toBeGreaterThan(1);

    expect((await tenant.post(`/v1/jobs/${jobId}/cancel`)).status).toBe(202);

    expect(await tenant.end(jobId)).toMatchObject({ status: "cancelled", reason: { code: "cancelled_by_user" } });
    expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
  });

  test("A job that fails says why, and can be tried again as a new one", async () => {
    const tenant = await newTenant(deployment(), "retry");
    const { jobId } = await tenant.submit({ ...everyRole("true"), verifier: "exit 1" });
    expect(await tenant.end(jobId)).toMatchObject({ status: "failed", reason: { code: "verdict_failed" } });

    const answer = await tenant.post(`/v1/jobs/${jobId}/retry`);

    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ retryOf: jobId, status: "queued" });
  });

  describe("a submission that makes no sense", () => {
    test.each([
      ["has no task", { task: "" }],
      ["has an unknown mode", { mode: "alone" }],
    ])("is refused with 400 and says what is wrong: it %s", async (_what, wrong) => {
      const tenant = await newTenant(deployment(), "wrong");

      const refused = await tenant.post("/v1/jobs", {
        provider: "custom",
        mode: "team",
        repo: "a/b",
        task: "x",
        ...wrong,
      });

      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ code: "invalid_request", errors: expect.any(Array) });
    });
  });
}
