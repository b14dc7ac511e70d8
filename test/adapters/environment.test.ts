import { describe, expect, test } from "vitest";
import {
  commandSettings,
  commandVariables,
  EnvironmentInvalid,
  FunctionEnvironment,
  parseEnvironment,
  RunnerEnvironment,
} from "../../adapters/environment.ts";

const functionVariables = {
  TABLE_NAME: "table",
  QUEUE_URL: "http://queue",
  CLUSTER: "cluster",
  TASK_DEFINITION: "runner",
};
const runnerVariables = { TABLE_NAME: "table", QUEUE_URL: "http://queue", PATH: "/usr/bin" };

describe("the functions' environment", () => {
  test("has its defaults where nothing is set: GitHub only, no subnets, no warm runners", () => {
    expect(parseEnvironment(FunctionEnvironment, functionVariables)).toEqual({
      ...functionVariables,
      SUBNETS: [],
      SECURITY_GROUPS: [],
      ASSIGN_PUBLIC_IP: true,
      GIT_BASE_URL: "https://github.com/",
      REPOSITORY_ALLOW_LIST: ["https://github.com/"],
      MAX_CONCURRENT_JOBS: 10,
      MAX_QUEUED_JOBS: 1_000,
      WARM_RUNNERS: 0,
      RETENTION_DAYS: 30,
    });
  });

  test.each([
    ["MAX_CONCURRENT_JOBS", "1", 1],
    ["MAX_CONCURRENT_JOBS", "10000", 10_000],
    ["MAX_QUEUED_JOBS", "1", 1],
    ["MAX_QUEUED_JOBS", "100000", 100_000],
    ["RETENTION_DAYS", "365", 365],
  ] as const)("may set %s to %s", (name, text, number) => {
    expect(parseEnvironment(FunctionEnvironment, { ...functionVariables, [name]: text })[name]).toBe(number);
  });

  test.each([
    ["MAX_CONCURRENT_JOBS", "0"],
    ["MAX_CONCURRENT_JOBS", "10001"],
    ["MAX_CONCURRENT_JOBS", "-1"],
    ["MAX_CONCURRENT_JOBS", "1.5"],
    ["MAX_CONCURRENT_JOBS", "1e3"],
    ["MAX_CONCURRENT_JOBS", "ten"],
    ["MAX_CONCURRENT_JOBS", ""],
    ["MAX_QUEUED_JOBS", "0"],
    ["MAX_QUEUED_JOBS", "100001"],
    ["MAX_QUEUED_JOBS", "99999999999999999999"],
    ["RETENTION_DAYS", "0"],
    ["RETENTION_DAYS", "366"],
  ])("is refused where %s is %j, with the numbers that it may be", (name, text) => {
    const parse = () => parseEnvironment(FunctionEnvironment, { ...functionVariables, [name]: text });

    expect(parse).toThrow(new RegExp(`${name}: must be a whole number from 1 to (?:100*|365)`));
  });

  test("has lists separated by commas, whatever space and whatever gaps are between", () => {
    const environment = {
      ...functionVariables,
      SUBNETS: " a, b ,,c,",
      REPOSITORY_ALLOW_LIST: "https://x/,file:///srv/",
    };

    expect(parseEnvironment(FunctionEnvironment, environment)).toMatchObject({
      SUBNETS: ["a", "b", "c"],
      REPOSITORY_ALLOW_LIST: ["https://x/", "file:///srv/"],
    });
  });

  test("allows no repository's URL where the list is set to nothing", () => {
    const environment = { ...functionVariables, REPOSITORY_ALLOW_LIST: "" };

    expect(parseEnvironment(FunctionEnvironment, environment).REPOSITORY_ALLOW_LIST).toEqual([]);
  });

  test.each(["file:///srv/git/", "ssh://git@host/", "https://git.example"])("may have its git host at %s", (url) => {
    expect(parseEnvironment(FunctionEnvironment, { ...functionVariables, GIT_BASE_URL: url }).GIT_BASE_URL).toBe(url);
  });

  test("that is wrong is refused with the name of every variable at fault", () => {
    const parse = () => parseEnvironment(FunctionEnvironment, { TABLE_NAME: "t", GIT_BASE_URL: "github" });

    expect(parse).toThrow(EnvironmentInvalid);
    expect(parse).toThrow(/QUEUE_URL: .*CLUSTER: .*TASK_DEFINITION: .*GIT_BASE_URL: /);
  });
});

describe("the runner's environment", () => {
  test("has its defaults where nothing is set", () => {
    expect(parseEnvironment(RunnerEnvironment, runnerVariables)).toEqual({
      ...runnerVariables,
      WORK_ROOT: "/tmp/omx-web-runs",
      IDLE_SECONDS: 60,
      RETENTION_DAYS: 30,
      TMUX_KEEP_SESSION_ON_FINISH: false,
      JOB_SKIP_GIT_CLONE: false,
      JOB_SILENCE_MINUTES: 10,
      GIT_BASE_URL: "https://github.com/",
      AGENT_USER: "nobody",
      ATTACH_COMMAND: "tmux -S {socket} attach -t {session}",
    });
  });

  test.each([
    ["0", false],
    ["1", true],
  ])("has flags that are %s", (digit, value) => {
    const environment = { ...runnerVariables, TMUX_KEEP_SESSION_ON_FINISH: digit, JOB_SKIP_GIT_CLONE: digit };

    expect(parseEnvironment(RunnerEnvironment, environment)).toMatchObject({
      TMUX_KEEP_SESSION_ON_FINISH: value,
      JOB_SKIP_GIT_CLONE: value,
    });
  });

  test.each([
    ["30", 30],
    ["0.01", 0.01],
  ])("has a time of silence in minutes, whole or not: %s", (text, minutes) => {
    const environment = { ...runnerVariables, JOB_SILENCE_MINUTES: text };

    expect(parseEnvironment(RunnerEnvironment, environment).JOB_SILENCE_MINUTES).toBe(minutes);
  });

  test.each([
    ["JOB_SILENCE_MINUTES", "0"],
    ["JOB_SILENCE_MINUTES", "-1"],
    ["JOB_SILENCE_MINUTES", ""],
    ["JOB_SILENCE_MINUTES", "ten"],
    ["JOB_SILENCE_MINUTES", "Infinity"],
    ["JOB_SKIP_GIT_CLONE", "true"],
    ["TMUX_KEEP_SESSION_ON_FINISH", ""],
    ["WORK_ROOT", "runs"],
    ["ECS_CONTAINER_METADATA_URI_V4", "not a URL"],
  ])("is refused where %s is %j", (name, value) => {
    expect(() => parseEnvironment(RunnerEnvironment, { ...runnerVariables, [name]: value })).toThrow(`${name}: `);
  });
});

describe("a role's command", () => {
  test("is looked for under its provider and role, then under its role alone", () => {
    expect(commandVariables("codex", "planner")).toEqual(["JOB_CODEX_PLANNER_CMD", "JOB_PLANNER_CMD"]);
  });

  test("is found among the settings, and nothing else is", () => {
    const environment = {
      JOB_CODEX_PLANNER_CMD: "codex",
      JOB_VERIFIER_CMD: "npm test",
      JOB_EXECUTOR_CMD: "",
      JOB_OTHER_CMD: "x",
      JOB_ID: "x",
      GIT_TOKEN: "secret",
    };

    expect(commandSettings(environment)).toEqual({ JOB_CODEX_PLANNER_CMD: "codex", JOB_VERIFIER_CMD: "npm test" });
  });
});
