import { dynamoEventLog } from "../../adapters/dynamo-event-log.ts";
import { dynamoJobStore } from "../../adapters/dynamo-job-store.ts";
import { dynamoTenantSlots } from "../../adapters/dynamo-tenant-slots.ts";
import type { EventLog, JobStore, TenantSlots } from "../../core/ports.ts";
import { inMemoryEventLog } from "../fakes/in-memory-event-log.ts";
import { inMemoryJobStore } from "../fakes/in-memory-job-store.ts";
import { inMemoryTenantSlots } from "../fakes/in-memory-tenant-slots.ts";
import { tableInProcess, tableName } from "./dynamo-in-process.ts";
import type { Ledger } from "./ledger.ts";
import type { Actor, Scheduler } from "./scheduler.ts";
import { StaleIndex } from "./stale-index.ts";

export interface Stores {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
}

export type StoreKind = "dynamo" | "memory";

/** The service's own adapters on a real table, or the fakes, which fulfil the same contract at a hundredth of the cost. */
export function makeStores(kind: StoreKind, tenants: readonly string[]): Promise<Stores> {
  if (kind === "dynamo") return dynamoStores(tenants);
  return Promise.resolve({ jobs: inMemoryJobStore(), events: inMemoryEventLog(), slots: inMemoryTenantSlots() });
}

async function dynamoStores(tenants: readonly string[]): Promise<Stores> {
  const client = await tableInProcess(tenants);
  return {
    jobs: dynamoJobStore(client, tableName),
    events: dynamoEventLog(client, tableName),
    slots: dynamoTenantSlots(client, tableName),
  };
}

/** The real stores as the actor sees them: each call waits for its turn and may go wrong, each write is in the ledger. */
export function storesOf(actor: Actor, real: Stores, scheduler: Scheduler, ledger: Ledger): Stores {
  const stale = new StaleIndex(scheduler, ledger);
  const call = <Answer>(label: string, perform: () => Promise<Answer>) => scheduler.call(actor, label, perform);
  const listing = (label: string, perform: () => Promise<readonly string[]>) =>
    (async function* () {
      yield* await call(label, perform);
    })();

  const jobs: JobStore = {
    rememberRequest: (request) => call(`remember ${request.key}`, () => real.jobs.rememberRequest(request)),
    create: (record, spec) =>
      call(`create ${record.jobId}`, async () => {
        await real.jobs.create(record, spec);
        ledger.created(record, scheduler.now);
      }),
    get: (jobId) => call(`get ${jobId}`, () => real.jobs.get(jobId)),
    glance: (jobId) => call(`glance ${jobId}`, async () => stale.row(jobId) ?? real.jobs.glance(jobId)),
    getSpec: (jobId) => call(`getSpec ${jobId}`, () => real.jobs.getSpec(jobId)),
    update: (jobId, guard, changes) =>
      call(`update ${jobId} if ${JSON.stringify(guard)} to ${JSON.stringify(changes)}`, async () => {
        const after = await real.jobs.update(jobId, guard, changes);
        if (after) ledger.updated(after, changes, { by: actor.name, now: scheduler.now });
        return after;
      }),
    list: (...parameters) => call("list", () => real.jobs.list(...parameters)),
    listLive: (place) =>
      listing(`listLive ${place}`, async () => stale.jobs(place, await Array.fromAsync(real.jobs.listLive(place)))),
    listWaiting: (tenantId) =>
      listing(`listWaiting ${tenantId}`, async () =>
        stale.jobs({ waitingTenant: tenantId }, await Array.fromAsync(real.jobs.listWaiting(tenantId))),
      ),
    countWaiting: (...parameters) => call("countWaiting", () => real.jobs.countWaiting(...parameters)),
    listWaitingTenants: () => listing("listWaitingTenants", () => Array.fromAsync(real.jobs.listWaitingTenants())),
  };
  const events: EventLog = {
    tail: (jobId) => call(`tail ${jobId}`, () => real.events.tail(jobId)),
    put: (batch) =>
      call(
        `put ${batch.jobId} ${batch.events.map(({ seq, type, attempt }) => `${seq} ${type} (${attempt})`)}`,
        async () => {
          const isStored = await real.events.put(batch);
          if (isStored) ledger.stored(batch);
          return isStored;
        },
      ),
    read: (...parameters) => call("read", () => real.events.read(...parameters)),
  };
  const slots: TenantSlots = {
    take: (tenantId, jobId, maximum) =>
      call(`take ${tenantId} ${jobId}`, async () => {
        const isTaken = await real.slots.take(tenantId, jobId, maximum);
        if (isTaken) ledger.tookSlot(tenantId, jobId);
        return isTaken;
      }),
    release: (tenantId, jobId) =>
      call(`release ${tenantId} ${jobId}`, async () => {
        await real.slots.release(tenantId, jobId);
        ledger.releasedSlot(tenantId, jobId);
      }),
    holders: (tenantId) => call(`holders ${tenantId}`, () => real.slots.holders(tenantId)),
    listTenants: () => listing("listTenants", () => Array.fromAsync(real.slots.listTenants())),
    forgetIfUnused: (tenantId) => call(`forget ${tenantId}`, () => real.slots.forgetIfUnused(tenantId)),
  };
  return { jobs, events, slots };
}
