import { ulid } from "ulid";
import { describe, expect, test } from "vitest";
import type { JobChanges, JobGuard, JobStore, LivePlace } from "../../core/ports.ts";
import { upTo } from "../helpers/events.ts";
import { jobSpec, queuedJob } from "../helpers/jobs.ts";

/** What every store of jobs does. */
export function jobStoreContract(jobs: JobStore): void {
  const running: JobChanges = {
    ...{ status: "running", attempt: 2, owner: "task-1", leaseUntil: 1_000, startUntil: null, launches: 3 },
  };

  async function storedJob(changes?: JobChanges) {
    const job = queuedJob();
    await jobs.create(job, jobSpec());
    const stored = changes ? await jobs.update(job.jobId, { status: ["queued"] }, changes) : job;
    if (stored === undefined) throw new Error("The job could not be stored.");
    return stored;
  }

  const activeIds = () => Array.fromAsync(jobs.listLive("active"));
  const dueIds = () => Array.fromAsync(jobs.listLive("due"));
  const waitingIds = (tenantId: string) => Array.fromAsync(jobs.listWaiting(tenantId));

  /** Jobs of successive milliseconds that wait for a slot of their tenant; answers their ids, the oldest first. */
  async function waitingJobs(tenantId: string, count: number): Promise<string[]> {
    const now = Date.now();
    const jobIds = upTo(count).map((number) => ulid(now + number));
    // Not in the order of their age.
    for (const jobId of jobIds.toReversed()) {
      await jobs.create(queuedJob({ jobId, tenantId }), jobSpec());
      await jobs.update(jobId, { status: ["queued"] }, { live: { waitingTenant: tenantId } });
    }
    return jobIds;
  }

  describe("a stored job", () => {
    test("is read back as it was, with what was asked for", async () => {
      const spec = jobSpec({ task: "인사 👋\n\u001b[31m", ref: "main", labels: { team: "a" }, metadata: { "": "" } });
      const job = queuedJob({ labels: spec.labels }, spec);

      await jobs.create(job, spec);

      expect(await jobs.get(job.jobId)).toEqual(job);
      expect(await jobs.getSpec(job.jobId)).toEqual(spec);
    });

    test("is not changed by storing it again", async () => {
      const job = await storedJob({ status: "starting", attempt: 1 });

      await jobs.create({ ...job, status: "queued", attempt: 0 }, jobSpec({ task: "another" }));

      expect(await jobs.get(job.jobId)).toEqual(job);
      expect((await jobs.getSpec(job.jobId))?.task).toBe("Say hello");
    });

    test("is not there for an id that was never stored", async () => {
      expect(await jobs.get(ulid())).toBeUndefined();
      expect(await jobs.glance(ulid())).toBeUndefined();
      expect(await jobs.getSpec(ulid())).toBeUndefined();
    });

    test("is seen at a glance as it is, once it has been so for a while", async () => {
      const job = await storedJob({ status: "starting", attempt: 1 });

      expect(await jobs.glance(job.jobId)).toEqual(job);
    });
  });

  describe("a guarded update", () => {
    const met: JobGuard = { status: ["running"] };

    test("answers the row after the changes, everything else untouched", async () => {
      const job = await storedJob(running);

      const updated = await jobs.update(job.jobId, met, { stage: "executor", verdict: null });

      expect(updated).toEqual({ ...job, stage: "executor" });
      expect(await jobs.get(job.jobId)).toEqual(updated);
    });

    test.each<[name: string, guard: JobGuard]>([
      ["one of several statuses", { status: ["queued", "running"] }],
      ["the attempt", { ...met, attempt: 2 }],
      ["the owner", { ...met, owner: "task-1" }],
      ["the number of launches", { ...met, launches: 3 }],
      ["the lease", { ...met, leaseUntil: 1_000 }],
      ["that nobody has asked to cancel", { ...met, cancelRequested: false }],
      ["that the job is not settled", { ...met, settled: false }],
    ])("is made when the row meets the demand for %s", async (_name, guard) => {
      const job = await storedJob(running);

      expect(await jobs.update(job.jobId, guard, { stage: "planner" })).toMatchObject({ stage: "planner" });
    });

    test.each<[name: string, guard: JobGuard]>([
      ["has another status", { status: ["queued", "starting"] }],
      ["has no status that would do", { status: [] }],
      ["has another attempt", { ...met, attempt: 1 }],
      ["has another owner", { ...met, owner: "task-2" }],
      ["was launched once more", { ...met, launches: 2 }],
      ["has another lease", { ...met, leaseUntil: 999 }],
    ])("changes nothing when the row %s", async (_name, guard) => {
      const job = await storedJob(running);

      expect(await jobs.update(job.jobId, guard, { stage: "planner" })).toBeUndefined();
      expect(await jobs.get(job.jobId)).toEqual(job);
    });

    test("changes nothing when a cancel was requested and must not have been", async () => {
      const job = await storedJob({ ...running, cancelRequestedAt: "2026-11-22T10:00:00.000Z" });

      expect(await jobs.update(job.jobId, { ...met, cancelRequested: false }, { stage: "planner" })).toBeUndefined();
    });

    test("of a job that does not exist makes none", async () => {
      const jobId = ulid();

      expect(await jobs.update(jobId, met, { stage: "planner" })).toBeUndefined();
      expect(await jobs.get(jobId)).toBeUndefined();
    });

    test("that twenty make at once is made by one", async () => {
      const { jobId } = await storedJob();
      const claim = (owner: string) => jobs.update(jobId, { status: ["queued"] }, { ...running, owner });

      const answers = await Promise.all(upTo(20).map((number) => claim(`task-${number}`)));

      const winners = answers.filter((answer) => answer !== undefined);
      expect(winners).toHaveLength(1);
      expect(await jobs.get(jobId)).toEqual(winners[0]);
    });
  });

  describe("the live jobs", () => {
    test("hold a job from when it is stored, through its end, until it is settled", async () => {
      const { jobId } = await storedJob();
      expect(await activeIds()).toContain(jobId);
      await jobs.update(jobId, { status: ["queued"] }, { status: "failed" });
      expect(await activeIds()).toContain(jobId);

      await jobs.update(jobId, { status: ["failed"], settled: false }, { lastSeq: 2, settled: true });

      expect(await activeIds()).not.toContain(jobId);
      expect(await jobs.get(jobId)).toMatchObject({ status: "failed", lastSeq: 2 });
    });

    test("let a job be settled once", async () => {
      const { jobId } = await storedJob({ status: "failed" });
      const settle = (lastSeq: number) =>
        jobs.update(jobId, { status: ["failed"], settled: false }, { lastSeq, settled: true });

      expect(await settle(2)).toMatchObject({ lastSeq: 2 });
      expect(await settle(3)).toBeUndefined();
    });

    test("hold each of many once, and storing a settled one again does not bring it back", async () => {
      const stored = await Promise.all(upTo(12).map(() => storedJob({ status: "failed" })));
      const [first] = stored;
      if (!first) throw new Error("no job");
      await jobs.update(first.jobId, { status: ["failed"] }, { lastSeq: 1, settled: true });
      await jobs.create(first, jobSpec());

      const ids = await activeIds();

      const ours = ids.filter((id) => stored.some((job) => job.jobId === id)).sort();
      expect(ours).toEqual(
        stored
          .slice(1)
          .map((job) => job.jobId)
          .sort(),
      );
    });

    test("have each job in one place at a time, and changes that say nothing of it leave it there", async () => {
      const { jobId, tenantId } = await storedJob();
      const move = (live: LivePlace) => jobs.update(jobId, { status: ["queued"] }, { live });
      const places = async () => ({
        active: (await activeIds()).includes(jobId),
        due: (await dueIds()).includes(jobId),
        waiting: (await waitingIds(tenantId)).includes(jobId),
      });

      await move("due");
      await jobs.update(jobId, { status: ["queued"] }, { stage: "planner" });
      expect(await places()).toEqual({ active: false, due: true, waiting: false });
      await move({ waitingTenant: tenantId });
      expect(await places()).toEqual({ active: false, due: false, waiting: true });
      await move("active");
      expect(await places()).toEqual({ active: true, due: false, waiting: false });
    });

    test.each(["due", "waiting"] as const)("hold no settled job, wherever it was: %s", async (place) => {
      const { jobId, tenantId } = await storedJob();
      const live = place === "due" ? place : { waitingTenant: tenantId };
      await jobs.update(jobId, { status: ["queued"] }, { status: "cancelled", live });

      await jobs.update(jobId, { status: ["cancelled"], settled: false }, { lastSeq: 2, settled: true });

      expect(await dueIds()).not.toContain(jobId);
      expect(await waitingIds(tenantId)).toEqual([]);
      expect(await Array.fromAsync(jobs.listWaitingTenants())).not.toContain(tenantId);
    });
  });

  describe("the waiting jobs", () => {
    test("of a tenant come oldest first, whatever the order in which they came to wait", async () => {
      const tenantId = ulid();
      const ids = await waitingJobs(tenantId, 5);

      expect(await waitingIds(tenantId)).toEqual(ids);
      expect(await waitingIds(ulid())).toEqual([]);
    });

    test("are counted, but no further than asked for", async () => {
      const tenantId = ulid();
      await waitingJobs(tenantId, 5);

      expect(await jobs.countWaiting(tenantId, 10)).toBe(5);
      expect(await jobs.countWaiting(tenantId, 5)).toBe(5);
      expect(await jobs.countWaiting(tenantId, 3)).toBe(3);
      expect(await jobs.countWaiting(ulid(), 3)).toBe(0);
    });

    test("are each its own tenant's, also where one tenant's name is the beginning of another's", async () => {
      const common = ulid();
      const tenants = [
        common,
        `${common}0`,
        `${common}#`,
        `${common}#${common}`,
        `${common}~`,
        `~${common}`,
        `${common}!`,
      ];
      const more = [`${common}%23`, `${common}/a b`, `한국어-${common}`, `한국어-${common}팀`, `👩‍👩‍👧${common}`];
      const ids = new Map<string, string[]>();
      for (const tenantId of [...tenants, ...more]) ids.set(tenantId, await waitingJobs(tenantId, 2));

      const listed = await Array.fromAsync(jobs.listWaitingTenants());

      expect(listed.filter((tenantId) => ids.has(tenantId)).sort()).toEqual([...ids.keys()].sort());
      for (const [tenantId, jobIds] of ids) {
        expect(await waitingIds(tenantId)).toEqual(jobIds);
        expect(await jobs.countWaiting(tenantId, 10)).toBe(2);
      }
    });
  });

  describe("a remembered request", () => {
    const request = (more: object = {}) => ({
      tenantId: ulid(),
      key: "key",
      fingerprint: "abc",
      jobId: ulid(),
      requestId: crypto.randomUUID(),
      ...more,
    });

    test("is answered as it was to whoever repeats its key", async () => {
      const first = request();
      expect(await jobs.rememberRequest(first)).toEqual(first);

      const repeated = { ...first, fingerprint: "def", jobId: ulid(), requestId: "another" };

      expect(await jobs.rememberRequest(repeated)).toEqual(first);
    });

    test("is another tenant's own under the same key, and another key is another request", async () => {
      const first = request();
      await jobs.rememberRequest(first);
      const ofAnother = request({ key: first.key });
      const ofAnotherKey = request({ tenantId: first.tenantId, key: "열쇠 #1/2" });

      expect(await jobs.rememberRequest(ofAnother)).toEqual(ofAnother);
      expect(await jobs.rememberRequest(ofAnotherKey)).toEqual(ofAnotherKey);
    });

    test("is one and the same for twenty who come at once", async () => {
      const tenantId = ulid();

      const answers = await Promise.all(upTo(20).map(() => jobs.rememberRequest(request({ tenantId }))));

      expect(new Set(answers.map((answer) => answer.jobId)).size).toBe(1);
      expect(new Set(answers.map((answer) => answer.requestId)).size).toBe(1);
    });

    test("is no job: it stands in no list", async () => {
      const { tenantId } = await jobs.rememberRequest(request());

      expect(await jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 10 })).toEqual({
        jobs: [],
        next: undefined,
      });
    });
  });

  describe("a tenant's list", () => {
    /** Ids of successive milliseconds, oldest first. */
    async function storedJobs(
      tenantId: string,
      count: number,
      changes: (index: number) => Partial<JobChanges> = () => ({}),
    ) {
      const now = Date.now();
      const stored = upTo(count).map((number) =>
        queuedJob({ jobId: ulid(now + number), tenantId, labels: { parity: number % 2 === 0 ? "even" : "odd" } }),
      );
      await Promise.all(stored.map((job, index) => jobs.create({ ...job, ...changes(index) }, jobSpec())));
      return stored.map((job) => job.jobId);
    }

    const idsOf = (page: Awaited<ReturnType<JobStore["list"]>>) => page.jobs.map(({ record }) => record.jobId);

    test("holds its own jobs, newest first, each with what was asked for", async () => {
      const tenantId = ulid();
      const ids = await storedJobs(tenantId, 3);
      await storedJobs(ulid(), 1);

      const page = await jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 10 });

      expect(idsOf(page)).toEqual(ids.toReversed());
      expect(page.jobs.map(({ spec }) => spec)).toEqual([jobSpec(), jobSpec(), jobSpec()]);
      expect(page.next).toBeUndefined();
    });

    test("goes on where the page before it ended", async () => {
      const tenantId = ulid();
      const [first, second, third, fourth] = await storedJobs(tenantId, 4);

      const one = await jobs.list(tenantId, { labels: [] }, { before: undefined, limit: 2 });
      const other = await jobs.list(tenantId, { labels: [] }, { before: one.next, limit: 2 });

      expect(idsOf(one)).toEqual([fourth, third]);
      expect(idsOf(other)).toEqual([second, first]);
      const last = other.next && (await jobs.list(tenantId, { labels: [] }, { before: other.next, limit: 2 }));
      expect(last ? idsOf(last) : []).toEqual([]);
    });

    test("holds only what its filters let through, all of them at once", async () => {
      const tenantId = ulid();
      const ids = await storedJobs(tenantId, 4, (index) => ({ status: index < 2 ? "failed" : "queued" }));
      const list = (filter: Parameters<JobStore["list"]>[1]) =>
        jobs.list(tenantId, filter, { before: undefined, limit: 10 }).then(idsOf);

      expect(await list({ status: "failed", labels: [] })).toEqual([ids[1], ids[0]]);
      expect(await list({ labels: [["parity", "even"]] })).toEqual([ids[3], ids[1]]);
      expect(await list({ status: "failed", labels: [["parity", "odd"]] })).toEqual([ids[0]]);
      expect(
        await list({
          labels: [
            ["parity", "odd"],
            ["absent", "x"],
          ],
        }),
      ).toEqual([]);
    });
  });
}
