import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { EnvironmentInvalid, FunctionEnvironment, parseEnvironment } from "../../adapters/environment.ts";
import { functionEnvironment } from "../../local/process-environments.ts";
import { readSettings, SettingsInvalid } from "../../local/settings.ts";

const PATH = "/usr/local/bin:/usr/bin";
const read = (environment: Record<string, string | undefined> = {}, args: string[] = []) =>
  readSettings(args, { PATH, ...environment });

describe("the settings of the embedded stack", () => {
  test("have a default each", () => {
    expect(read()).toEqual({
      ...{ port: 8_080, dataDirectory: resolve(".data"), workRoot: "/tmp/omx-web-runs", path: PATH },
      ...{ gitBaseUrl: "https://github.com/", repositoryAllowList: "https://,ssh://,file:///" },
      ...{ auth: "none", warmRunners: 0, maximumConcurrentJobs: 10, maximumQueuedJobs: 1_000, runner: {} },
    });
  });

  test("are as the environment says, and what is set to nothing is not set", () => {
    const environment = { PORT: "0", DATA_DIR: "data", MAX_CONCURRENT_JOBS: "3", MAX_QUEUED_JOBS: "7", WORK_ROOT: "" };

    expect(read(environment)).toMatchObject({
      ...{ port: 0, dataDirectory: resolve("data"), workRoot: "/tmp/omx-web-runs" },
      ...{ maximumConcurrentJobs: 3, maximumQueuedJobs: 7 },
    });
  });

  test("have no folder for the data of a stack that is to leave none", () => {
    expect(read({ DATA_DIR: "data" }, ["--ephemeral"]).dataDirectory).toBeUndefined();
  });

  test("pass on to the runner what is its own, and nothing else", () => {
    const runner = { JOB_SILENCE_MINUTES: "5", JOB_CODEX_PLANNER_CMD: "codex", GIT_TOKEN: "t", AGENT_USER: "nobody" };

    expect(read({ ...runner, JOB_ID: "1", HOME: "/root", JOB_SKIP_GIT_CLONE: "" }).runner).toEqual(runner);
  });

  test("leave npm's own tools out of the agents' path", () => {
    expect(read({ PATH: `/project/node_modules/.bin:/lib/node_modules/npm/node-gyp-bin:${PATH}` }).path).toBe(PATH);
  });

  test.each([
    ["PORT", "eighty", "must be a number from 0 to 65535"],
    ["PORT", "65536", "must be a number from 0 to 65535"],
    ["MAX_CONCURRENT_JOBS", "0", "must be a whole number from 1 to 10000"],
    ["MAX_CONCURRENT_JOBS", "many", "must be a whole number from 1 to 10000"],
    ["MAX_QUEUED_JOBS", "-1", "must be a whole number from 1 to 100000"],
    ["MAX_QUEUED_JOBS", "100001", "must be a whole number from 1 to 100000"],
  ])("are refused where %s is %j, with what it may be", (name, text, rule) => {
    expect(() => read({ [name]: text })).toThrow(SettingsInvalid);
    expect(() => read({ [name]: text })).toThrow(`${name}: ${rule}`);
  });

  test("are refused with all that is wrong with them at once", () => {
    expect(() => read({ PORT: "x", MAX_QUEUED_JOBS: "x", WORK_ROOT: "here" })).toThrow(
      /PORT: .*WORK_ROOT: .*MAX_QUEUED_JOBS: /,
    );
  });

  test("are refused with an option that nobody knows", () => {
    expect(() => read({}, ["--verbose"])).toThrow(/The only option is --ephemeral/);
  });
});

test("What the functions are given of them is what they understand, and what they are not given they ask for", () => {
  const settings = read({ MAX_CONCURRENT_JOBS: "3", MAX_QUEUED_JOBS: "7", REPOSITORY_ALLOW_LIST: "file:///srv/" });
  const environment = functionEnvironment(settings, "http://queue");

  expect(parseEnvironment(FunctionEnvironment, { ...environment, CLUSTER: "local" })).toMatchObject({
    ...{ QUEUE_URL: "http://queue", MAX_CONCURRENT_JOBS: 3, MAX_QUEUED_JOBS: 7 },
    REPOSITORY_ALLOW_LIST: ["file:///srv/"],
  });
  expect(() => parseEnvironment(FunctionEnvironment, environment)).toThrow(EnvironmentInvalid);
});
