import { afterAll, beforeAll, expect, test } from "vitest";
import { processesWith } from "../helpers/processes.ts";
import { everyRole, outputOf, type Service, startService } from "../helpers/service.ts";

let service: Service;

beforeAll(async () => {
  service = await startService();
  await service.gitHost.add("owner/name", { "a.txt": "one\n" });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const job = { repo: "owner/name" };

test("A cancel ends the whole process tree, daemons included, and nothing is left of it.", async () => {
  const command = "setsid sleep 1000 & (setsid nohup sleep 1000 >/dev/null 2>&1 &); echo started; sleep 1000";
  const { jobId } = await service.submit({
    ...job,
    options: { agentCommands: { ...everyRole("true"), planner: command } },
  });
  await service.until(jobId, (event) => event.type === "pane_output");
  expect(processesWith(`JOB_ID=${jobId}`).length).toBeGreaterThan(2);
  const answer = await service.post(`/v1/jobs/${jobId}/cancel`, {});
  expect(answer.status).toBe(202);
  expect(await service.end(jobId)).toMatchObject({ status: "cancelled", reason: { code: "cancelled_by_user" } });
  expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
  expect((await service.post(`/v1/jobs/${jobId}/cancel`, {})).status).toBe(202);
});

test("A job that has succeeded cannot be cancelled.", async () => {
  const { jobId } = await service.submit({ ...job, options: { agentCommands: everyRole("true") } });
  await service.end(jobId);
  const answer = await service.post(`/v1/jobs/${jobId}/cancel`, {});
  expect(answer.status).toBe(409);
  expect(await answer.json()).toMatchObject({ code: "already_ended", detail: expect.stringContaining("succeeded") });
});

test("A job that takes longer than its maxMinutes ends as timed out, and its processes with it.", async () => {
  const options = { maxMinutes: 0.05, agentCommands: everyRole("trap '' TERM; sleep 1000") };
  const { jobId } = await service.submit({ ...job, options });
  expect(await service.end(jobId)).toMatchObject({ status: "timed_out", reason: { code: "deadline_exceeded" } });
  expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
});

test("A planner that fails ends the job before the executor has begun.", async () => {
  const { jobId } = await service.submit({
    ...job,
    options: { agentCommands: { ...everyRole("true"), planner: "exit 3" } },
  });
  const ended = await service.end(jobId);
  expect(ended).toMatchObject({ status: "failed", verified: false, reason: { code: "stage_failed" } });
  expect(ended.panes.map((pane) => [pane.status, pane.exitCode])).toEqual([
    ["exited", 3],
    ["waiting", null],
    ["waiting", null],
  ]);
});

test("A verifier that fails is a verdict: the job fails and says so.", async () => {
  const { jobId } = await service.submit({
    ...job,
    options: { agentCommands: { ...everyRole("true"), verifier: "exit 1" } },
  });
  expect(await service.end(jobId)).toMatchObject({
    status: "failed",
    verified: false,
    verdict: { verdict: "fail" },
    reason: { code: "verdict_failed" },
  });
});

test("An agent command that does not exist is told as such.", async () => {
  const { jobId } = await service.submit({ ...job, options: { agentCommands: everyRole("no-such-agent --go") } });
  expect(await service.end(jobId)).toMatchObject({ status: "failed", reason: { code: "agent_not_found" } });
});

test("A custom provider without commands is told which settings would give it some.", async () => {
  const { jobId } = await service.submit(job);
  const ended = await service.end(jobId);
  expect(ended.reason).toMatchObject({ code: "no_agent_command", message: expect.stringContaining("JOB_PLANNER_CMD") });
});

test.each([
  ["a repository that does not exist", { repo: "owner/other" }, "repository_not_found"],
  ["a ref that does not exist", { repo: "owner/name", ref: "no-such-branch" }, "ref_not_found"],
])("%s ends the job with a reason of its own.", async (_, request, code) => {
  const { jobId } = await service.submit({ ...request, options: { agentCommands: everyRole("true") } });
  expect(await service.end(jobId)).toMatchObject({ status: "failed", reason: { code } });
});

test("An agent that leaves daemons behind has none left once its stage is over.", async () => {
  const command = "(setsid sh -c 'trap \"\" TERM; sleep 1000' >/dev/null 2>&1 &); echo done";
  const { jobId } = await service.submit({ ...job, options: { agentCommands: everyRole(command) } });
  expect((await service.end(jobId)).status).toBe("succeeded");
  expect(processesWith(`JOB_ID=${jobId}`)).toEqual([]);
});

test("A flooding agent's output is cut at the limit, its tail is kept, and other jobs go on.", async () => {
  const options = {
    maxLogBytes: 100_000,
    agentCommands: { ...everyRole("true"), planner: "seq 1 200000; echo the end" },
  };
  const { jobId } = await service.submit({ ...job, options });
  const other = await service.submit({ ...job, options: { agentCommands: everyRole("true") } });
  expect((await service.end(other.jobId)).status).toBe("succeeded");
  expect((await service.end(jobId)).status).toBe("succeeded");
  const events = await service.allEvents(jobId);
  const text = outputOf(events, "planner");
  expect(text.startsWith("1\r\n2\r\n3\r\n")).toBe(true);
  expect(text.endsWith("200000\r\nthe end\r\n")).toBe(true);
  const cut = events.find((event) => event.type === "output_truncated");
  const whole =
    Array.from({ length: 200_000 }, (_, index) => `${index + 1}\r\n`).join("").length + "the end\r\n".length;
  expect(cut?.data).toEqual({ skippedBytes: whole - text.length });
});

test("In parallel mode all roles run at once, and the job waits for all of them.", async () => {
  const meet = (own: string, others: string[]) =>
    `touch $JOB_DIR/${own}; until ${others.map((other) => `[ -e $JOB_DIR/${other} ]`).join(" && ")}; do sleep 0.05; done; echo met`;
  const agentCommands = {
    planner: meet("p", ["e", "v"]),
    executor: meet("e", ["p", "v"]),
    verifier: meet("v", ["p", "e"]),
  };
  const { jobId } = await service.submit({ ...job, mode: "parallel", options: { agentCommands } });
  expect((await service.end(jobId)).status).toBe("succeeded");
  const events = await service.allEvents(jobId);
  for (const role of ["planner", "executor", "verifier"]) expect(outputOf(events, role)).toBe("met\r\n");
});

test("The panes see nothing of the runner's environment, and no credential.", async () => {
  const { jobId } = await service.submit({
    ...job,
    options: { env: { GREETING: "안녕" }, agentCommands: { ...everyRole("true"), planner: "env -0 | tr '\\0' '\\n'" } },
  });
  await service.end(jobId);
  const names = outputOf(await service.allEvents(jobId), "planner").matchAll(/^([A-Za-z_]\w*)=/gm);
  expect([...names].map((match) => match[1]).sort()).toEqual(
    [
      ...["GIT_PAGER", "GIT_TERMINAL_PROMPT", "GREETING", "HOME", "LANG", "PAGER", "PATH", "SHELL", "TERM"],
      ...[
        "JOB_ATTEMPT",
        "JOB_BASE_SHA",
        "JOB_DEADLINE_EPOCH",
        "JOB_DIR",
        "JOB_FEEDBACK_FILE",
        "JOB_ID",
        "JOB_ITERATION",
      ],
      ...[
        "JOB_MODE",
        "JOB_PLAN_FILE",
        "JOB_PROVIDER",
        "JOB_REF",
        "JOB_REPO",
        "JOB_RESULT_FILE",
        "JOB_ROLE",
        "JOB_STAGE",
      ],
      ...["JOB_TASK", "JOB_TASK_FILE", "JOB_VERDICT_FILE", "JOB_WORKDIR"],
      // Set by bash itself.
      ...["OLDPWD", "PWD", "SHLVL", "_"],
    ]
      .filter((name) => name !== "OLDPWD")
      .sort(),
  );
});
