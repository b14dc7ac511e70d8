import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { killTree } from "../../../runner/pane/kill-tree.ts";
import { readProcess } from "../../../runner/pane/process-table.ts";
import { agent, PATH, processesNaming, uniqueName } from "./session-under-test.ts";

/** Starts an agent as the leader of its own session, as a wrapper is of its terminal's. */
async function startLeader(command: string, environment: Readonly<Record<string, string>>) {
  const child = spawn("bash", ["-c", command], { detached: true, env: { PATH, ...environment }, stdio: "ignore" });
  const processId = child.pid ?? 0;
  const entry = await readProcess(processId);
  if (!entry) throw new Error("The agent ended as it started");
  return { entry, [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

test("All that descends from the wrapper, has its session or carries the marker is killed", async () => {
  const name = uniqueName();
  using leader = await startLeader(agent("leaves-daemons", name, "stay"), { JOB_ID: name });
  await expect.poll(async () => (await processesNaming(`${name}-`)).length).toBeGreaterThanOrEqual(6);
  const survivors = await killTree({ wrapper: leader.entry, marker: `JOB_ID=${name}`, otherWrappers: [] });
  expect(survivors).toEqual([]);
  expect(await processesNaming(name)).toEqual([]);
});

test("A tree that grows while it is looked at is killed with its newest leaves", async () => {
  const name = uniqueName();
  // Each leaf has a session of its own and no environment: once its parent is dead, nothing tells whose it is.
  const leaf = `setsid env -i bash -c 'exec -a ${name} sleep 3600' &`;
  using leader = await startLeader(`(while :; do ${leaf} sleep 0.002; done); true`, {});
  await expect.poll(async () => (await processesNaming(name)).length, { timeout: 5_000 }).toBeGreaterThanOrEqual(10);
  expect(await killTree({ wrapper: leader.entry, marker: "JOB_ID=none", otherWrappers: [] })).toEqual([]);
  expect(await processesNaming(name)).toEqual([]);
});

test("Strangers, other wrappers and this process with its own marker are left alone", async () => {
  const [name, otherName, strangerName] = [uniqueName(), uniqueName(), uniqueName()];
  using leader = await startLeader(agent("forever", name), { JOB_ID: name });
  using other = await startLeader(`${agent("forever", otherName)}; true`, { JOB_ID: name });
  using stranger = await startLeader(agent("forever", strangerName), { JOB_ID: `${name}x`, NOT_JOB_ID: name });
  for (const each of [name, otherName, strangerName]) await expect.poll(() => processesNaming(each)).not.toEqual([]);
  const otherWrappers = [other.entry.processId];
  await killTree({ wrapper: leader.entry, marker: `JOB_ID=${name}`, otherWrappers });
  expect(await readProcess(leader.entry.processId)).toBeUndefined();
  expect(await readProcess(other.entry.processId)).toBeDefined();
  expect(await processesNaming(otherName)).not.toEqual([]);
  expect(await readProcess(stranger.entry.processId)).toBeDefined();
  await killTree({ wrapper: other.entry, marker: "JOB_ID=none", otherWrappers: [] });
  await killTree({ wrapper: stranger.entry, marker: "JOB_ID=none", otherWrappers: [] });
});

test("A process id that has passed to another process is left alone", async () => {
  const name = uniqueName();
  using leader = await startLeader(agent("forever", name), {});
  const before = { ...leader.entry, startTicks: "1" };
  expect(await killTree({ wrapper: before, marker: "JOB_ID=none", otherWrappers: [] })).toEqual([]);
  expect(await readProcess(leader.entry.processId)).toBeDefined();
});
