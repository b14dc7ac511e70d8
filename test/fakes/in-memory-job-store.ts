import type { JobRecord, JobSpec } from "../../core/job.ts";
import type { JobFilter, JobGuard, JobStore, LivePlace, RequestMemory } from "../../core/ports.ts";

interface Row {
  readonly record: JobRecord;
  readonly spec: JobSpec;
  readonly isSettled: boolean;
  readonly live: LivePlace;
}

/** Rows in a map; each write happens at once, as a conditional write of one item does. */
export function inMemoryJobStore(): JobStore {
  const rows = new Map<string, Row>();
  const requests = new Map<string, RequestMemory>();

  function idsWhere(isWanted: (place: LivePlace) => boolean): string[] {
    return [...rows].flatMap(([jobId, row]) => (!row.isSettled && isWanted(row.live) ? [jobId] : [])).sort();
  }

  return {
    async rememberRequest(request) {
      const key = JSON.stringify([request.tenantId, request.key]);
      const first = requests.get(key) ?? request;
      requests.set(key, first);
      return first;
    },

    async create(record, spec) {
      if (!rows.has(record.jobId))
        rows.set(record.jobId, structuredClone({ record, spec, isSettled: false, live: "active" as const }));
    },

    async get(jobId) {
      return structuredClone(rows.get(jobId)?.record);
    },

    async glance(jobId) {
      return structuredClone(rows.get(jobId)?.record);
    },

    async getSpec(jobId) {
      return structuredClone(rows.get(jobId)?.spec);
    },

    async update(jobId, guard, changes) {
      const row = rows.get(jobId);
      if (row === undefined || !holds(guard, row)) return undefined;
      const { settled, live, ...attributes } = structuredClone(changes);
      const record = { ...row.record, ...attributes };
      rows.set(jobId, { ...row, record, isSettled: settled ?? row.isSettled, live: live ?? row.live });
      return structuredClone(record);
    },

    async list(tenantId, filter, { before, limit }) {
      const matching = [...rows.values()]
        .filter(({ record }) => record.tenantId === tenantId && matches(record, filter))
        .filter(({ record }) => before === undefined || record.jobId < before)
        .sort((first, second) => (first.record.jobId < second.record.jobId ? 1 : -1));
      const jobs = matching.slice(0, limit).map(({ record, spec }) => structuredClone({ record, spec }));
      return { jobs, next: matching.length > limit ? jobs.at(-1)?.record.jobId : undefined };
    },

    async *listLive(place) {
      yield* idsWhere((live) => live === place);
    },

    async *listWaiting(tenantId) {
      yield* idsWhere((live) => tenantOf(live) === tenantId);
    },

    async countWaiting(tenantId, atMost) {
      return Math.min(atMost, idsWhere((live) => tenantOf(live) === tenantId).length);
    },

    async *listWaitingTenants() {
      const waiting = [...rows.values()].filter((row) => !row.isSettled).map(({ live }) => tenantOf(live));
      for (const tenantId of new Set(waiting)) if (tenantId !== undefined) yield tenantId;
    },
  };
}

function tenantOf(live: LivePlace): string | undefined {
  return typeof live === "string" ? undefined : live.waitingTenant;
}

function holds(guard: JobGuard, { record, isSettled }: Row): boolean {
  const isAsSeen = (["attempt", "owner", "launches", "leaseUntil"] as const).every(
    (attribute) => guard[attribute] === undefined || guard[attribute] === record[attribute],
  );
  return (
    isAsSeen &&
    guard.status.includes(record.status) &&
    (guard.cancelRequested !== false || record.cancelRequestedAt === null) &&
    (guard.settled !== false || !isSettled)
  );
}

function matches(record: JobRecord, filter: JobFilter): boolean {
  const hasLabels = filter.labels.every(([name, value]) => record.labels[name] === value);
  return hasLabels && (filter.status === undefined || record.status === filter.status);
}
