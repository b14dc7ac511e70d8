import type { JobRecord, JobSpec } from "../../core/job.ts";
import type { JobFilter, JobGuard, JobStore, RequestMemory } from "../../core/ports.ts";

interface Row {
  readonly record: JobRecord;
  readonly spec: JobSpec;
  readonly isSettled: boolean;
}

/** Rows in a map; each write happens at once, as a conditional write of one item does. */
export function inMemoryJobStore(): JobStore {
  const rows = new Map<string, Row>();
  const requests = new Map<string, RequestMemory>();

  return {
    async rememberRequest(request) {
      const key = JSON.stringify([request.tenantId, request.key]);
      const first = requests.get(key) ?? request;
      requests.set(key, first);
      return first;
    },

    async create(record, spec) {
      if (!rows.has(record.jobId)) rows.set(record.jobId, structuredClone({ record, spec, isSettled: false }));
    },

    async get(jobId) {
      return structuredClone(rows.get(jobId)?.record);
    },

    async getSpec(jobId) {
      return structuredClone(rows.get(jobId)?.spec);
    },

    async update(jobId, guard, changes) {
      const row = rows.get(jobId);
      if (row === undefined || !holds(guard, row)) return undefined;
      const { settled, ...attributes } = structuredClone(changes);
      const record = { ...row.record, ...attributes };
      rows.set(jobId, { ...row, record, isSettled: settled ?? row.isSettled });
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

    async *listLive() {
      for (const [jobId, row] of [...rows]) if (!row.isSettled) yield jobId;
    },
  };
}

function holds(guard: JobGuard, { record, isSettled }: Row): boolean {
  const isAsSeen = (["attempt", "owner", "leaseUntil"] as const).every(
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
