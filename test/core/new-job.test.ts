import { describe, expect, test } from "vitest";
import { NewJob } from "../../core/new-job.ts";
import { jobRequest } from "../helpers/jobs.ts";

/** Where a request is refused: the path of each fault. */
function faults(more: object): string[] {
  const parsed = NewJob.safeParse({ ...jobRequest(), ...more });
  return (parsed.error?.issues ?? []).map((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
    return [...issue.path, ...keys].join(".");
  });
}

const accepted = (more: object) => NewJob.parse({ ...jobRequest(), ...more });

describe("a request for a job", () => {
  test("gets its defaults where it says nothing", () => {
    expect(NewJob.parse({ provider: "codex", mode: "team", repo: "owner/name", task: "Say hello" })).toEqual({
      provider: "codex",
      mode: "team",
      repo: "owner/name",
      task: "Say hello",
      options: { maxMinutes: 60, agentCommands: {}, maxLogBytes: 33_554_432, env: {} },
      labels: {},
      metadata: {},
    });
  });

  test("as the scaffold wrote it is accepted", () => {
    const request = {
      provider: "codex",
      mode: "team",
      repo: "Yeachan-Heo/oh-my-codex",
      ref: "main",
      task: "웹 요청 기반 실행 파이프라인 설계안과 구현 TODO를 정리해줘",
      options: {
        maxMinutes: 30,
        keepTmuxSession: true,
        agentCommands: { planner: 'codex exec "$JOB_TASK"', executor: "…", verifier: "…" },
      },
    };

    expect(NewJob.parse(request)).toMatchObject(request);
  });

  test.each(["provider", "mode", "repo", "task"])("must have %s", (field) => {
    expect(faults({ [field]: undefined })).toEqual([field]);
  });

  test.each([
    ["at the top", { surprise: 1 }, "surprise"],
    ["among the options", { options: { surprise: 1 } }, "options.surprise"],
    ["as a role", { options: { agentCommands: { reviewer: "x" } } }, "options.agentCommands.reviewer"],
    ["that an older version had", { options: { maxFixLoops: 3 } }, "options.maxFixLoops"],
    ["named __proto__", JSON.parse('{"__proto__": {"mode": "solo"}}'), "__proto__"],
  ])("with an unknown field %s is refused at that field", (_where, more, path) => {
    expect(faults(more)).toEqual([path]);
  });

  test.each([
    ["provider", { provider: "gpt" }],
    ["mode", { mode: "solo" }],
    ["repo", { repo: "" }],
    ["repo", { repo: "x".repeat(2_049) }],
    ["task", { task: 7 }],
    ["task", { task: "a\0b" }],
    ["options", { options: null }],
    ["options.maxMinutes", { options: { maxMinutes: "30" } }],
    ["options.keepTmuxSession", { options: { keepTmuxSession: "yes" } }],
    ["options.agentCommands.planner", { options: { agentCommands: { planner: "" } } }],
    ["options.agentCommands.planner", { options: { agentCommands: { planner: "x".repeat(16_385) } } }],
    ["options.agentCommands.planner", { options: { agentCommands: { planner: "echo a\0b" } } }],
    ["options.env.A", { options: { env: { A: 1 } } }],
    ["options.env.A", { options: { env: { A: "a\0b" } } }],
    ["options.env", { options: { env: { A: "x".repeat(32 * 1024) } } }],
    ["labels.a b", { labels: { "a b": "x" } }],
    ["labels.a", { labels: { a: "x".repeat(64) } }],
    ["labels", { labels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, "x"])) }],
    ["metadata", { metadata: { a: "x".repeat(16 * 1024) } }],
    ["metadata", { metadata: { a: "가".repeat(6_000) } }],
  ])("is refused at %s for %j", (path, more) => {
    expect(faults(more)).toEqual([path]);
  });
});

describe("the bounds of a number", () => {
  test.each([
    ["maxMinutes", 0.01, 720],
    ["maxLogBytes", 1_024, 268_435_456],
  ])("%s is from %d to %d, both included", (name, least, most) => {
    const at = (value: number) => faults({ options: { [name]: value } });

    expect([at(least), at(most)]).toEqual([[], []]);
    expect([at(least * 0.99), at(most * 1.01)]).toEqual([[`options.${name}`], [`options.${name}`]]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e-200])("maxMinutes is not %d", (maxMinutes) => {
    expect(faults({ options: { maxMinutes } })).toEqual(["options.maxMinutes"]);
  });
});

describe("the task", () => {
  const longest = 100 * 1024;

  test.each([
    ["ASCII", "a", 1],
    ["Korean", "가", 3],
    ["emoji", "👩", 4],
  ])("may have 100 KB of UTF-8, not a byte more: %s", (_name, character, bytes) => {
    const fitting = character.repeat(Math.floor(longest / bytes));
    const full = fitting.padEnd(fitting.length + (longest % bytes), "a");

    expect(accepted({ task: full }).task).toBe(full);
    expect(faults({ task: `${full}a` })).toEqual(["task"]);
  });

  test("must say something", () => {
    expect(faults({ task: "" })).toEqual(["task"]);
  });
});

describe("the panes' environment", () => {
  test.each(["MY_TOKEN", "_", "a", "JOB", "MYJOB_TASK", "PATHS", "A".repeat(128)])("may have %s", (name) => {
    expect(accepted({ options: { env: { [name]: "값" } } }).options.env).toEqual({ [name]: "값" });
  });

  test.each([
    ...["JOB_TASK", "JOB_ANYTHING", "TMUX", "TMUX_PANE", "AWS_SECRET_ACCESS_KEY", "ECS_CONTAINER_METADATA_URI_V4"],
    ...["LD_PRELOAD", "PATH", "HOME", "USER", "SHELL", "IFS", "ENV", "BASH_ENV"],
  ])("may not have %s, which the service or the shell sets", (name) => {
    expect(faults({ options: { env: { [name]: "x" } } })).toEqual([`options.env.${name}`]);
  });

  test.each(["1A", "A-B", "A B", "A=B", "", "BASH_FUNC_ls%%", "이름", "A".repeat(129)])(
    "has no variable named %j",
    (name) => {
      expect(faults({ options: { env: { [name]: "x" } } })).toEqual([`options.env.${name}`]);
    },
  );
});

describe("the ref", () => {
  test.each([
    "main",
    "feature/x-1",
    "v1.0.0",
    "refs/heads/main",
    "deadbeef".repeat(5),
    "한국어/가지",
    "a@b",
    "x".repeat(255),
  ])("may be %s", (ref) => {
    expect(accepted({ ref }).ref).toBe(ref);
  });

  test.each([
    ...["-x", "--upload-pack=touch", "", "a b", "a\tb", "a\nb", "main\n", "a\0b", "a\u007fb"],
    ...["a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "x".repeat(256)],
  ])("may not be %j", (ref) => {
    expect(faults({ ref })).toEqual(["ref"]);
  });
});
