import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import { NewerSchema } from "../../../core/errors.ts";
import { auditSlots } from "../../../core/lifecycle/audit-slots.ts";
import type { StartPorts } from "../../../core/lifecycle/lifecycle-ports.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
import { Trouble } from "../../../core/lifecycle/trouble.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { texts, upTo } from "../../helpers/events.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

const newLife = (maximumConcurrentJobs?: number) => new Lifecycle(inMemoryStores(), maximumConcurrentJobs);

/** Answers how many slots were released, and what went wrong. */
async function audit(ports: StartPorts) {
  const trouble = new Trouble();
  const live = new Set(await Array.fromAsync(ports.jobs.listLive("active")));
  return { released: await auditSlots(ports, live, trouble), errors: trouble.errors };
}

describe("a slot", () => {
  test.each(["succeeded", "failed", "cancelled", "timed_out"] as const)(
    "of a job that is settled is released: %s",
    async (status) => {
      const life = newLife();
      const job = await life.ended({ status, reason: null });
      await life.slots.take(job.tenantId, job.jobId, 10);

      expect(await audit(life)).toEqual({ released: 1, errors: [] });

      expect(await life.slots.holders(job.tenantId)).toEqual([]);
    },
  );

  test("of a job that there is not is released", async () => {
    const life = newLife();
    const tenantId = `tenant-${ulid()}`;
    await life.slots.take(tenantId, ulid(), 10);

    expect(await audit(life)).toEqual({ released: 1, errors: [] });

    expect(await life.slots.holders(tenantId)).toEqual([]);
  });

  test("of a job that starts, runs, or is due is kept", async () => {
    const life = newLife();
    const lost = await life.running();
    const jobs = [await life.starting(), await life.running(), lost];
    await requeueJob(life, lost, "The runner's task has stopped.");
    life.launcher.hasRoomFor(0);
    jobs.push(await life.submitted());

    expect(await audit(life)).toEqual({ released: 0, errors: [] });

    for (const job of jobs) expect(await life.holdsSlot(job)).toBe(true);
  });

  test("of a job that has ended and is not settled is left to its settling", async () => {
    const life = newLife();
    const job = await life.running();
    await life.jobs.update(job.jobId, { status: ["running"] }, { status: "failed" });

    expect(await auditSlots(life, new Set(), new Trouble())).toBe(0);

    expect(await life.holdsSlot(job)).toBe(true);
  });

  test("that a waiting job has got is used: whoever gave it came no further", async () => {
    const life = newLife(1);
    const running = await life.running();
    const { jobId, tenantId } = await life.submitted({ tenantId: running.tenantId });
    await life.slots.release(tenantId, running.jobId);
    await life.slots.take(tenantId, jobId, 1);

    expect(await audit(life)).toEqual({ released: 0, errors: [] });

    expect(await life.row(jobId)).toMatchObject({ status: "starting", attempt: 1, waiting: null });
    expect(await life.slots.holders(tenantId)).toEqual([jobId]);
    expect(life.launcher.launches.at(-1)).toMatchObject({ jobId });
  });

  test("of a job that was accepted since the jobs were listed is used once, by whoever comes first", async () => {
    const life = newLife();
    const job = await life.accepted();
    await life.slots.take(job.tenantId, job.jobId, 10);

    await Promise.all(upTo(5).map(() => auditSlots(life, new Set(), new Trouble())));

    expect(life.launcher.launches).toEqual([{ jobId: job.jobId, attempt: 1, launch: 1 }]);
    expect(await life.holdsSlot(job)).toBe(true);
    expect(texts(await life.history(job.jobId))).toEqual(["job_queued"]);
  });

  test("of a job that only a later version can read is kept, and keeps no other from being looked at", async () => {
    const life = newLife();
    const { tenantId, jobId } = await life.ended();
    const newer = ulid();
    for (const holder of [newer, jobId]) await life.slots.take(tenantId, holder, 10);
    const get = (id: string) => (id === newer ? Promise.reject(new NewerSchema(id)) : life.jobs.get(id));

    const { released, errors } = await audit({ ...life, jobs: { ...life.jobs, get } });

    expect(released).toBe(1);
    expect(errors).toMatchObject([{ about: newer, error: expect.any(NewerSchema) }]);
    expect(await life.slots.holders(tenantId)).toEqual([newer]);
  });
});

describe("a tenant", () => {
  test("that has no slot taken is forgotten, and found again with its next job", async () => {
    const life = newLife();
    const { tenantId } = await life.ended();
    expect(await Array.fromAsync(life.slots.listTenants())).toEqual([tenantId]);

    await audit(life);
    expect(await Array.fromAsync(life.slots.listTenants())).toEqual([]);

    await life.starting({ tenantId });
    expect(await Array.fromAsync(life.slots.listTenants())).toEqual([tenantId]);
  });

  test("that has a slot taken is remembered", async () => {
    const life = newLife();
    const { tenantId } = await life.running();

    await audit(life);

    expect(await Array.fromAsync(life.slots.listTenants())).toEqual([tenantId]);
  });

  test("whose slots cannot be read keeps no other from being looked at", async () => {
    const life = newLife();
    const broken = await life.ended();
    const other = await life.ended();
    const holders = (tenantId: string) =>
      tenantId === broken.tenantId ? Promise.reject(new Error("down")) : life.slots.holders(tenantId);

    const { errors } = await audit({ ...life, slots: { ...life.slots, holders } });

    expect(errors).toEqual([{ about: `tenant ${broken.tenantId}`, error: new Error("down") }]);
    expect(await Array.fromAsync(life.slots.listTenants())).not.toContain(other.tenantId);
  });
});
