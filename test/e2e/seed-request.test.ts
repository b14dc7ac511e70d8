import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Job } from "../../core/job.ts";
import { outputOf, type Service, startService } from "../helpers/service.ts";

let service: Service;
let tools: string;

/** Codex CLI as of 0.147 and later: it knows no --full-auto. */
const codex = `#!/bin/sh
for argument in "$@"; do
  if [ "$argument" = --full-auto ]; then echo "error: unexpected argument '--full-auto' found" >&2; exit 2; fi
done
for last; do :; done
printf '%s\\n' "$last"
`;

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), "omx-tools-"));
  await chmod(tools, 0o755);
  await writeFile(join(tools, "codex"), codex, { mode: 0o755 });
  service = await startService({ PATH: `${tools}:${process.env.PATH}` });
  await service.gitHost.add("Yeachan-Heo/oh-my-codex", { "README.md": "omx\n" });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(tools, { recursive: true, force: true });
});

/** The predecessor's documented request, sent by curl with no header but Content-Type. */
async function curl(flags: string): Promise<Job> {
  const command = (role: string) =>
    `codex exec --json ${flags} --skip-git-repo-check --cd "$JOB_WORKDIR" "You are ${role}. Task: $JOB_TASK"`;
  const body = {
    provider: "codex",
    mode: "team",
    repo: "Yeachan-Heo/oh-my-codex",
    ref: "main",
    task: "웹 요청 기반 실행 파이프라인 설계안과 구현 TODO를 정리해줘",
    options: {
      maxMinutes: 30,
      keepTmuxSession: true,
      agentCommands: { planner: command("planner"), executor: command("executor"), verifier: command("verifier") },
    },
  };
  const url = `${service.url.replace("127.0.0.1", "localhost")}/v1/jobs`;
  const args = ["-s", "-X", "POST", url, "-H", "Content-Type: application/json", "-d", JSON.stringify(body)];
  return Job.parse(JSON.parse((await execa("curl", args)).stdout));
}

test("The predecessor's request works as it was written, with Korean text in its task.", async () => {
  const { jobId } = await curl("--sandbox workspace-write");
  const ended = await service.end(jobId);
  expect(ended).toMatchObject({ status: "succeeded", repo: "Yeachan-Heo/oh-my-codex", ref: "main" });
  const events = await service.allEvents(jobId);
  expect(outputOf(events, "executor")).toBe(
    "You are executor. Task: 웹 요청 기반 실행 파이프라인 설계안과 구현 TODO를 정리해줘\r\n",
  );
  expect(events.find((event) => event.type === "tmux_session_started")?.data).toEqual({
    session: `omx-${jobId}`,
    attachCommand: expect.stringMatching(/^tmux -S \S+ attach -t omx-/),
  });
});

test("A current Codex CLI, which has no --full-auto, ends the job with a reason that says how to mend the command.", async () => {
  const { jobId } = await curl("--full-auto");
  const ended = await service.end(jobId);
  expect(ended.status).toBe("failed");
  expect(ended.reason).toMatchObject({
    code: "cli_usage",
    remedy: expect.stringContaining("--sandbox workspace-write"),
  });
});
