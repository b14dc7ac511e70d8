import { ulid } from "ulid";
import { expect, test } from "vitest";
import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { liveShards } from "../../core/limits.ts";
import { tableName } from "../../local/provision.ts";
import { type Call, callsOf, unitsOf } from "../helpers/calls.ts";
import { storeEndedJobs } from "../helpers/ended-jobs.ts";
import { upTo } from "../helpers/events.ts";
import { Lifecycle } from "../helpers/lifecycle.ts";
import { testTable } from "../helpers/table.ts";

const endedJobs = 2_000;
const runningJobs = 40;
const waitingJobs = 10;

const table = await testTable();
const calls = callsOf(table.client);

/** A tenant whose slots are all taken by running jobs, with others that wait for one. */
async function busyTenant(life: Lifecycle): Promise<string> {
  const tenantId = ulid();
  for (const _job of upTo(runningJobs)) await life.running({ tenantId });
  for (const _job of upTo(waitingJobs)) await life.starting({ tenantId });
  return tenantId;
}

/** What a run reads and writes, whatever the order. */
function sumOf(made: readonly Call[]) {
  const byCommand = Object.groupBy(made, ({ command }) => command);
  return {
    requests: Object.fromEntries(Object.entries(byCommand).map(([command, some = []]) => [command, some.length])),
    items: made.reduce((sum, { items }) => sum + items, 0),
    units: unitsOf(made),
  };
}

test("A run of reconcile touches only what is live: what has ended costs nothing, however much it is", async () => {
  const life = new Lifecycle(table, runningJobs);
  const tenantId = await busyTenant(life);
  const run = async () => {
    calls();
    expect(await reconcileJobs(life)).toMatchObject({ jobs: runningJobs, isComplete: true, trouble: [] });
    return sumOf(calls());
  };
  const before = await run();
  await storeEndedJobs(table.client, tableName, { tenantId, count: endedJobs });

  const after = await run();

  expect(after).toEqual(before);
  // A row for each job that runs, the tenant's slots twice, and one query for each shard of each kind.
  expect(before.requests).toEqual({ GetItem: runningJobs + 2, Query: 4 * liveShards + 1 });
  expect(before.units).toBeLessThan(100);
});
