import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventPage } from "../../openapi/routes.ts";
import { outputOf, type Service, startService } from "../helpers/service.ts";

let service: Service;

beforeAll(async () => {
  service = await startService();
  await service.gitHost.add("owner/name", { "a.txt": "one\n", "test.sh": "grep -q two a.txt\n" });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const commands = {
  planner: 'echo "계획: $JOB_TASK 🙂"; echo plan > "$JOB_PLAN_FILE"',
  executor: 'cat "$JOB_PLAN_FILE"; echo two >> a.txt',
  verifier: "sh test.sh && echo verified",
};

test("A team job plans, changes the code, verifies it, and ends as succeeded and verified.", async () => {
  const accepted = await service.submit({ repo: "owner/name", options: { agentCommands: commands } });
  expect(accepted).toMatchObject({ status: "queued", attempt: 0, verified: null, ref: null });
  const ended = await service.end(accepted.jobId);
  expect(ended).toMatchObject({ status: "succeeded", verified: true, reason: null, stage: "verifier", attempt: 1 });
  expect(ended.panes).toEqual(
    ["planner", "executor", "verifier"].map((role) => ({ role, status: "exited", exitCode: 0 })),
  );
});

test("The events are dense, in order, and tell the whole story of the job.", async () => {
  const { jobId } = await service.submit({ repo: "owner/name", options: { agentCommands: commands } });
  const events = await service.allEvents(jobId);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  const types = events.map((event) => event.type).filter((type) => type !== "pane_output");
  const stage = ["pane_started", "stage_finished"];
  expect(types).toEqual([
    ...["job_queued", "runner_started", "git_clone_started", "git_clone_finished", "tmux_session_started"],
    ...[...stage, ...stage, ...stage, "verdict", "job_finished"],
  ]);
  expect(outputOf(events, "planner")).toBe("계획: 작업 🙂\r\n");
  expect(outputOf(events, "verifier")).toBe("verified\r\n");
});

test("The stream gives the same events as the pages, and resumes after Last-Event-ID.", async () => {
  const { jobId } = await service.submit({ repo: "owner/name", options: { agentCommands: commands } });
  const streamed: unknown[] = [];
  await service.until(jobId, (event) => {
    streamed.push(event);
    return event.type === "job_finished";
  });
  expect(streamed).toEqual(await service.allEvents(jobId));
  const headers = { Accept: "text/event-stream", "Last-Event-ID": "5" };
  const rest = await (await fetch(`${service.url}/v1/jobs/${jobId}/events`, { headers })).text();
  const ids = [...rest.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
  expect(ids).toEqual(streamed.slice(5).map((_, index) => index + 6));
});

test("A page can be limited, filtered by type and role, and asked for beyond the end.", async () => {
  const { jobId } = await service.submit({ repo: "owner/name", options: { agentCommands: commands } });
  await service.end(jobId);
  const page = async (query: string) =>
    EventPage.parse(await (await fetch(`${service.url}/v1/jobs/${jobId}/events?${query}`)).json());
  expect(await page("after=1&limit=2")).toMatchObject({ events: [{ seq: 2 }, { seq: 3 }], next: 3, complete: false });
  const filtered = await page("types=pane_output&role=executor");
  expect(filtered.events.map((event) => event.role)).toEqual(["executor"]);
  expect(filtered.complete).toBe(true);
  expect(await page("after=99999")).toEqual({ events: [], next: 99999, complete: true, pollAfterMs: 0 });
});

test("The attach command works while the job runs, and after it when the session is kept.", async () => {
  const { jobId } = await service.submit({
    repo: "owner/name",
    options: { keepTmuxSession: true, agentCommands: { ...commands, planner: "echo here; read -r line; echo $line" } },
  });
  const started = await service.until(jobId, (event) => event.type === "tmux_session_started");
  if (started.type !== "tmux_session_started") throw new Error("unreachable");
  const { attachCommand, session } = started.data;
  await service.until(jobId, (event) => event.type === "pane_output");
  const tmux = (...args: string[]) => execa("tmux", [...attachCommand.split(" ").slice(1, 3), ...args]);
  expect((await tmux("list-panes", "-t", session, "-F", "#{pane_title}")).stdout.split("\n")).toHaveLength(3);
  // As a person would: attached to a terminal, typing into the planner's pane.
  const attached = execa("script", ["-qec", attachCommand, "/dev/null"], {
    stdin: "pipe",
    reject: false,
    env: { TERM: "xterm" },
  });
  await tmux("send-keys", "-t", `${session}:0.0`, "go", "Enter");
  expect((await service.end(jobId)).status).toBe("succeeded");
  expect((await tmux("capture-pane", "-p", "-S", "-", "-t", `${session}:0.0`)).stdout).toContain("here");
  await tmux("detach-client", "-s", session);
  expect((await attached).exitCode).toBe(0);
});
