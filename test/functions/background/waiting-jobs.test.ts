import { beforeEach, expect, test } from "vitest";
import { NewerSchema } from "../../../core/errors.ts";
import { advanceWaiting } from "../../../core/lifecycle/advance-waiting.ts";
import { finishJob } from "../../../core/lifecycle/finish-job.ts";
import { requeueJob } from "../../../core/lifecycle/requeue-job.ts";
import { waitingJobs } from "../../../functions/background/waiting-jobs.ts";
import { inMemoryStores } from "../../fakes/in-memory-stores.ts";
import { Lifecycle } from "../../helpers/lifecycle.ts";

let life: Lifecycle;
beforeEach(() => {
  life = new Lifecycle(inMemoryStores(), 1);
});

const tenantId = "tenant-1";
const minute = 60;

test("A job that waits for a slot of its tenant is counted, and takes as long as it takes", async () => {
  await life.running({ tenantId });
  await life.submitted({ tenantId });
  life.clock.pass(60 * minute);

  expect(await waitingJobs(life)).toEqual({ JobsWaiting: 1, QueueAgeSeconds: 0 });
});

test("A job for whose runner there is no room has been waiting since one was wanted, not since it was accepted", async () => {
  const running = await life.running({ tenantId });
  await life.submitted({ tenantId });
  life.clock.pass(60 * minute);
  await finishJob(life, running, { status: "succeeded", reason: null });
  life.launcher.hasRoomFor(0);
  await advanceWaiting(life);
  life.clock.pass(2 * minute);
  await life.starting();
  life.clock.pass(minute);

  expect(await waitingJobs(life)).toEqual({ JobsWaiting: 2, QueueAgeSeconds: 3 * minute });
});

test("A job that has lost its runner has been waiting for the next one since then", async () => {
  const job = await life.running();
  life.clock.pass(60 * minute);
  await requeueJob(life, job, "The runner's task has stopped.");
  life.clock.pass(minute);

  expect(await waitingJobs(life)).toEqual({ JobsWaiting: 1, QueueAgeSeconds: minute });
});

test("A job that a later version has written is counted, and its wait left to that version", async () => {
  life.launcher.hasRoomFor(0);
  await life.starting();
  life.clock.pass(minute);
  const glance = () => Promise.reject(new NewerSchema("Deploy again."));

  expect(await waitingJobs({ ...life, jobs: { ...life.jobs, glance } })).toEqual({
    JobsWaiting: 1,
    QueueAgeSeconds: 0,
  });
});

test("Where nobody waits, there is no wait", async () => {
  await life.running();

  expect(await waitingJobs(life)).toEqual({ JobsWaiting: 0, QueueAgeSeconds: 0 });
});
