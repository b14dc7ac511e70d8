import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import type { TenantSlots } from "../../core/ports.ts";
import { upTo } from "../helpers/events.ts";

/** What all slots of tenants do. */
export function tenantSlotsContract(slots: TenantSlots): void {
  const tenants = () => Array.fromAsync(slots.listTenants());
  const holdersOf = async (tenantId: string) => (await slots.holders(tenantId)).toSorted();

  describe("a slot", () => {
    test("is given until the maximum is taken, and to the next one when one is released", async () => {
      const tenantId = ulid();

      expect(await slots.take(tenantId, "a", 2)).toBe(true);
      expect(await slots.take(tenantId, "b", 2)).toBe(true);
      expect(await slots.take(tenantId, "c", 2)).toBe(false);
      await slots.release(tenantId, "a");
      expect(await slots.take(tenantId, "c", 2)).toBe(true);

      expect(await holdersOf(tenantId)).toEqual(["b", "c"]);
    });

    test("that is taken twice for the same job is one, also where no other is free", async () => {
      const tenantId = ulid();
      await slots.take(tenantId, "a", 1);

      expect(await slots.take(tenantId, "a", 1)).toBe(true);

      expect(await holdersOf(tenantId)).toEqual(["a"]);
    });

    test("is kept by who has it when the maximum is lowered, and given to nobody until there is room", async () => {
      const tenantId = ulid();
      for (const jobId of ["a", "b", "c"]) await slots.take(tenantId, jobId, 3);

      expect(await slots.take(tenantId, "a", 1)).toBe(true);
      expect(await slots.take(tenantId, "d", 1)).toBe(false);
      for (const jobId of ["a", "b"]) await slots.release(tenantId, jobId);
      expect(await slots.take(tenantId, "d", 1)).toBe(false);
      await slots.release(tenantId, "c");
      expect(await slots.take(tenantId, "d", 1)).toBe(true);
    });

    test("is released once, however often that is said", async () => {
      const tenantId = ulid();
      for (const jobId of ["a", "b"]) await slots.take(tenantId, jobId, 2);

      await slots.release(tenantId, "a");
      await slots.release(tenantId, "a");

      expect(await holdersOf(tenantId)).toEqual(["b"]);
    });

    test("is not changed by the release of a job that has none, nor of a tenant that has none", async () => {
      const tenantId = ulid();
      await slots.take(tenantId, "a", 2);

      await slots.release(tenantId, "b");
      await slots.release(ulid(), "a");

      expect(await holdersOf(tenantId)).toEqual(["a"]);
    });

    test("is one tenant's own: the same job's name is another job elsewhere", async () => {
      const [one, other] = [ulid(), ulid()];
      await slots.take(one, "a", 1);

      expect(await slots.take(other, "a", 1)).toBe(true);
      await slots.release(one, "a");

      expect(await holdersOf(one)).toEqual([]);
      expect(await holdersOf(other)).toEqual(["a"]);
    });

    test("for which fifty race is given to exactly as many as there are", async () => {
      const tenantId = ulid();
      const racers = upTo(50).map((number) => `job-${number}`);

      const answers = await Promise.all(racers.map((jobId) => slots.take(tenantId, jobId, 7)));

      const winners = racers.filter((_, index) => answers[index]);
      expect(winners).toHaveLength(7);
      expect(await holdersOf(tenantId)).toEqual(winners.toSorted());
    });

    test("is never held by more than the maximum while many take and release", async () => {
      const tenantId = ulid();
      let most = 0;
      const work = async (jobId: string) => {
        for (let turns = 0; turns < 5; ) {
          if (!(await slots.take(tenantId, jobId, 3))) continue;
          turns++;
          most = Math.max(most, (await slots.holders(tenantId)).length);
          await slots.release(tenantId, jobId);
        }
      };

      await Promise.all(upTo(10).map((number) => work(`job-${number}`)));

      expect(most).toBe(3);
      expect(await holdersOf(tenantId)).toEqual([]);
    });
  });

  describe("the tenants that may have taken slots", () => {
    test("are listed once each, whatever they are called", async () => {
      const common = ulid();
      const names = [common, `${common}#1`, `${common}%231`, `~${common}`, `${common} 한국어`];
      for (const tenantId of names) for (const jobId of ["a", "b"]) await slots.take(tenantId, jobId, 2);

      const listed = await tenants();

      expect(listed.filter((tenantId) => names.includes(tenantId)).sort()).toEqual(names.toSorted());
    });

    test("lose one that holds none when it is to be forgotten, until it takes a slot again", async () => {
      const tenantId = ulid();
      await slots.take(tenantId, "a", 1);
      await slots.release(tenantId, "a");

      await slots.forgetIfUnused(tenantId);
      await slots.forgetIfUnused(tenantId);

      expect(await tenants()).not.toContain(tenantId);
      await slots.take(tenantId, "b", 1);
      expect(await tenants()).toContain(tenantId);
    });

    test("do not lose one that holds a slot, and do not gain one by its being forgotten", async () => {
      const [holding, never] = [ulid(), ulid()];
      await slots.take(holding, "a", 1);

      await slots.forgetIfUnused(holding);
      await slots.forgetIfUnused(never);

      expect(await tenants()).toContain(holding);
      expect(await tenants()).not.toContain(never);
    });

    test("never lack one with a holder, also where it is forgotten while slots are taken and released", async () => {
      for (const round of upTo(10)) {
        const tenantId = ulid();
        await slots.take(tenantId, "first", 10);

        await Promise.all([
          slots.release(tenantId, "first"),
          slots.forgetIfUnused(tenantId),
          slots.take(tenantId, `job-${round}`, 10),
          slots.forgetIfUnused(tenantId),
        ]);

        expect(await holdersOf(tenantId)).toContain(`job-${round}`);
        expect(await tenants()).toContain(tenantId);
      }
    });
  });
}
