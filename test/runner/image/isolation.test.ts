import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { whyNoContainer } from "./container.ts";
import {
  attachTemplate,
  containersWithJobs,
  type JobInContainer,
  outputOf,
  secrets,
  taskArn,
} from "./job-in-container.ts";

const reason = whyNoContainer();
const breaksOut = readFileSync(new URL("../../fixtures/agents/breaks-out.sh", import.meta.url), "utf8");

/** What was tried, by how it went. */
function tries(output: string, how: "open" | "shut"): string[] {
  return [...output.matchAll(new RegExp(`^(.*) ${how}$`, "gm"))].map(([, what = ""]) => what);
}

describe.skipIf(reason !== undefined)(`In the image's file system${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let job: JobInContainer;
  const clean = ["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"];
  const lookingFor = (what: string) => `session=${job.sessionFolder}\nsecrets='${what}'\n${breaksOut}`;

  beforeAll(async () => {
    const startJob = await containersWithJobs();
    const knowsNothing = `session="\${JOB_DIR%/job}/tmux"\nsecrets='nothing that an agent has heard of'\n${breaksOut}`;
    const looks = "id; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; env; touch looked";
    const waits = 'until [ -e "$JOB_DIR/go" ]; do sleep 0.05; done';
    job = await startJob({
      agentCommands: { planner: `${knowsNothing}\necho that is all\n${waits}`, executor: looks, verifier: "ls looked" },
    });
    await job.eventsUntil((events) => outputOf(events, "planner").includes("that is all"));
  });
  afterAll(() => job[Symbol.asyncDispose]());

  test("an agent's command gets at no secret, no process, no file and no socket of others", async () => {
    const asAgent = outputOf(await job.eventsUntil(() => true), "planner");
    // The same by an agent's user who knows what to look for; then by root, for whom every try has to succeed.
    const agent = ["setpriv", "--reuid=agent", "--regid=agent", "--clear-groups", "--no-new-privs", ...clean];
    const secret = lookingFor(Object.values(secrets).join("\n"));
    const asAgentWhoKnows = (await job.container.exec(...agent, "bash", "-c", secret)).output;
    const asRoot = (await job.container.exec(...clean, "bash", "-c", secret)).output;

    expect(tries(asRoot, "shut")).toEqual([]);
    expect(tries(asRoot, "open").length).toBeGreaterThan(20);
    for (const output of [asAgent, asAgentWhoKnows, asRoot]) expect(output).toMatch(/runner found\nguard found\n/);
    expect(tries(asAgent, "open")).toEqual([]);
    expect(tries(asAgent, "shut")).toEqual(tries(asRoot, "open"));
    expect(tries(asAgentWhoKnows, "open")).toEqual([]);
    expect(tries(asAgentWhoKnows, "shut")).toEqual(tries(asRoot, "open"));
  });

  test("only the first process and the runner have a secret in their environment, and nobody in their arguments", async () => {
    const holders = (file: string) =>
      `cd /proc; for p in [0-9]*; do
         cat $p/${file} 2>/dev/null | grep -q -a -F -e "$(cat /tmp/secrets)" && readlink $p/exe
       done; true`;
    const write = `printf '%s' '${Object.values(secrets).join("\n")}' >/tmp/secrets && chmod 600 /tmp/secrets`;
    await job.container.exec(...clean, "sh", "-c", write);
    const environments = await job.container.exec(...clean, "sh", "-c", holders("environ"));
    const arguments_ = await job.container.exec(...clean, "sh", "-c", holders("cmdline"));

    const programs = environments.output.split("\n").filter((line) => line !== "");
    expect(programs.at(-1)).toBe("/usr/local/bin/node");
    expect(programs.filter((program) => !/\/(?:tini|node)$/.test(program))).toEqual([]);
    expect(arguments_.output).toBe("");
  });

  test("tmux holds none of the runner's environment", async () => {
    const shown = await job.container.exec(
      ...clean,
      ...["tmux", "-S", job.socket, "show-environment", "-g", ";", "show-environment"],
    );

    expect(shown.output).toContain("LANG=C.UTF-8");
    expect(shown.output).not.toMatch(/^(?:AWS|ECS|GIT|TABLE|QUEUE)/m);
    for (const secret of Object.values(secrets)) expect(shown.output).not.toContain(secret);
  });

  test("no program can make its user another", async () => {
    const found = await job.container.exec("find", "/usr", "/opt", "-xdev", "-perm", "/6000", "-type", "f");

    expect(found).toEqual({ exitCode: 0, output: "" });
  });

  test("an agent's command has a user of its own, no right beyond it, and the job's environment; and the job succeeds", async () => {
    await job.container.exec("touch", `/var/lib/omx/${job.jobId}/job/go`);
    const events = await job.eventsUntil((all) => all.some(({ type }) => type === "job_finished"));
    const output = outputOf(events, "executor");

    expect(events.at(-1)).toMatchObject({ type: "job_finished", data: { status: "succeeded" } });
    expect(output).toContain("uid=2000(agent) gid=2000(agent) groups=2000(agent)\n");
    expect(output).toMatch(/^NoNewPrivs:\t1$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) expect(output).toContain(`${set}:\t0000000000000000\n`);
    expect(output).toContain(`JOB_ID=${job.jobId}\n`);
    expect(output).not.toMatch(/^(?:AWS|ECS|GIT_TOKEN|TABLE|QUEUE|WORK_ROOT|AGENT_USER|ATTACH|TMUX)/m);
    for (const secret of Object.values(secrets)) expect(output).not.toContain(secret);
  });

  test("what people paste to attach is what the deployment says, for this task", async () => {
    const events = await job.eventsUntil(() => true);

    expect(events.find(({ type }) => type === "tmux_session_started")?.data).toEqual({
      session: `omx-${job.jobId}`,
      attachCommand: attachTemplate.replace("{task}", taskArn),
    });
  });
});
