import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import type { ApiKeys } from "../../core/ports.ts";
import { testKey } from "../helpers/api-keys.ts";
import { upTo } from "../helpers/events.ts";

/** What all stores of keys do. */
export function apiKeysContract(keys: ApiKeys): void {
  const idsOf = async (tenantId?: string) => (await Array.fromAsync(keys.list(tenantId))).map(({ keyId }) => keyId);

  describe("a key", () => {
    test("is found by its id, as it was stored", async () => {
      const { key } = testKey({ name: "빌드 서버", validUntil: "2030-01-01T00:00:00.000Z", scopes: ["jobs:read"] });

      await keys.create(key);

      expect(await keys.get(key.keyId)).toEqual(key);
      expect(await keys.get(testKey().key.keyId)).toBeUndefined();
    });

    test("is never replaced by another of the same id", async () => {
      const { key } = testKey();
      await keys.create(key);

      await expect(keys.create({ ...key, tenantId: "somebody-else" })).rejects.toThrow();

      expect(await keys.get(key.keyId)).toEqual(key);
    });

    test("is disabled once: the first time stays", async () => {
      const { key } = testKey();
      await keys.create(key);

      const disabled = { ...key, disabledAt: "2026-01-01T00:00:00.000Z" };
      expect(await keys.disable(key.keyId, new Date("2026-01-01T00:00:00Z"))).toEqual(disabled);
      expect(await keys.disable(key.keyId, new Date("2026-02-02T00:00:00Z"))).toEqual(disabled);

      expect(await keys.get(key.keyId)).toEqual(disabled);
    });

    test("that does not exist cannot be disabled, and does not come into being by it", async () => {
      const { keyId } = testKey().key;

      expect(await keys.disable(keyId, new Date())).toBeUndefined();

      expect(await keys.get(keyId)).toBeUndefined();
    });
  });

  describe("the list", () => {
    test("has all keys of the tenant and of no other, disabled ones too", async () => {
      const tenantId = ulid();
      const mine = [testKey({ tenantId }).key, testKey({ tenantId }).key];
      const others = [testKey({ tenantId: `${tenantId}-2` }).key, testKey({ tenantId: ulid() }).key];
      for (const key of [...mine, ...others]) await keys.create(key);
      await keys.disable(mine[0]?.keyId ?? "", new Date());

      expect(await idsOf(tenantId)).toEqual(mine.map(({ keyId }) => keyId).toSorted());
    });

    test("has everybody's keys by tenant where none is named", async () => {
      const [first, second] = [ulid(), ulid()].toSorted();
      const stored = [first, second, first].map((tenantId = "") => testKey({ tenantId }).key);
      for (const key of stored) await keys.create(key);

      const listed = (await Array.fromAsync(keys.list())).filter(({ keyId }) =>
        stored.some((key) => key.keyId === keyId),
      );

      expect(listed.map(({ tenantId }) => tenantId)).toEqual([first, first, second]);
    });

    test("is whole however many there are", async () => {
      const tenantId = ulid();
      const stored = upTo(120).map(() => testKey({ tenantId }).key);
      await Promise.all(stored.map((key) => keys.create(key)));

      expect(await idsOf(tenantId)).toEqual(stored.map(({ keyId }) => keyId).toSorted());
    });

    test("is empty for a tenant without keys", async () => {
      expect(await idsOf(ulid())).toEqual([]);
    });
  });
}
