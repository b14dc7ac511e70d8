import type { EventLog, JobStore, TenantSlots } from "../../core/ports.ts";
import { inMemoryEventLog } from "./in-memory-event-log.ts";
import { inMemoryJobStore } from "./in-memory-job-store.ts";
import { inMemoryTenantSlots } from "./in-memory-tenant-slots.ts";

/** Everything that the service remembers. */
export interface Stores {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly slots: TenantSlots;
}

export function inMemoryStores(): Stores {
  return { jobs: inMemoryJobStore(), events: inMemoryEventLog(), slots: inMemoryTenantSlots() };
}
