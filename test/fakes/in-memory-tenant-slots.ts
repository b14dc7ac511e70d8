import type { TenantSlots } from "../../core/ports.ts";

/** A set of holders per tenant. */
export function inMemoryTenantSlots(): TenantSlots {
  const slots = new Map<string, Set<string>>();
  const listed = new Set<string>();
  const holdersOf = (tenantId: string) => slots.get(tenantId) ?? new Set<string>();

  return {
    async take(tenantId, jobId, maximum) {
      const holders = holdersOf(tenantId);
      if (!holders.has(jobId) && holders.size >= maximum) return false;
      slots.set(tenantId, holders.add(jobId));
      listed.add(tenantId);
      return true;
    },

    async release(tenantId, jobId) {
      holdersOf(tenantId).delete(jobId);
    },

    async holders(tenantId) {
      return [...holdersOf(tenantId)];
    },

    async *listTenants() {
      yield* [...listed];
    },

    async forgetIfUnused(tenantId) {
      if (holdersOf(tenantId).size === 0) listed.delete(tenantId);
    },
  };
}
