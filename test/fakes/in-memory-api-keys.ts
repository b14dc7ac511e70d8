import type { ApiKey } from "../../core/api-key.ts";
import type { ApiKeys } from "../../core/ports.ts";

/** A map by id. */
export function inMemoryApiKeys(): ApiKeys {
  const keys = new Map<string, ApiKey>();

  return {
    async create(key) {
      if (keys.has(key.keyId)) throw new Error(`There is a key ${key.keyId} already.`);
      keys.set(key.keyId, structuredClone(key));
    },

    async get(keyId) {
      return structuredClone(keys.get(keyId));
    },

    async *list(tenantId) {
      const place = (key: ApiKey) => `${key.tenantId}#${key.keyId}`;
      yield* structuredClone([...keys.values()])
        .filter((key) => tenantId === undefined || key.tenantId === tenantId)
        .sort((first, second) => (place(first) < place(second) ? -1 : 1));
    },

    async disable(keyId, at) {
      const key = keys.get(keyId);
      if (key === undefined) return undefined;
      const disabled = { ...key, disabledAt: key.disabledAt ?? at.toISOString() };
      keys.set(keyId, disabled);
      return structuredClone(disabled);
    },
  };
}
