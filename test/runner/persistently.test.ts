import { beforeEach, expect, test, vi } from "vitest";
import { heartbeatGiveUpSeconds, leaseSeconds } from "../../core/limits.ts";
import { JobStop } from "../../runner/job-stop.ts";
import { persistently } from "../../runner/persistently.ts";
import { fakeTime } from "../helpers/fake-time.ts";

vi.mock("node:timers/promises", () => import("../helpers/fake-time.ts"));

const time = fakeTime();
const log: string[] = [];
let stop: JobStop;
let tries: number;

beforeEach(() => {
  stop = new JobStop();
  tries = 0;
  log.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((line) => log.push(String(line)) > 0);
  return () => vi.restoreAllMocks();
});

/** Answers how many tries it took to get past so many failures. */
function failing(failures: number): () => Promise<number> {
  return async () => {
    tries += 1;
    if (tries <= failures) throw new Error("the store is away");
    return tries;
  };
}

test("What succeeds is done once, at once.", async () => {
  expect(await persistently(stop, failing(0), {})).toBe(1);
});

test("What fails is tried again each second until it succeeds, and each failure is told to the operator.", async () => {
  const result = persistently(stop, failing(3), { jobId: "the job" });
  await time.pass(2_999);
  expect(tries).toBe(3);
  await time.pass(1);
  expect(await result).toBe(4);
  expect(log.map((line) => JSON.parse(line))).toMatchObject(
    Array.from({ length: 3 }, () => ({ level: "ERROR", jobId: "the job", cause: expect.stringContaining("is away") })),
  );
  expect(vi.getTimerCount()).toBe(0);
});

test("A job that is cancelled or overdue is still recorded.", async () => {
  stop.stop("cancelled");
  const result = persistently(stop, failing(1), {});
  await time.pass(1_000);
  expect(await result).toBe(2);
});

test("Nothing is tried for a job that is somebody else's.", async () => {
  stop.stop("superseded");
  expect(await persistently(stop, failing(0), {})).toBeUndefined();
  expect(tries).toBe(0);
});

test("It gives up at once when the job is abandoned meanwhile.", async () => {
  const result = persistently(stop, failing(99), {});
  await time.pass(10_500);
  stop.stop("superseded");
  expect(await result).toBeUndefined();
  expect(tries).toBe(11);
  expect(vi.getTimerCount()).toBe(0);
});

test("What never succeeds abandons the job before its lease is over: no job is kept for ever by what cannot be stored.", async () => {
  const result = persistently(stop, failing(Number.POSITIVE_INFINITY), {});
  await time.pass(heartbeatGiveUpSeconds * 1_000);
  expect(stop.cause).toBeUndefined();
  await time.pass((leaseSeconds - heartbeatGiveUpSeconds) * 500);
  expect(await result).toBeUndefined();
  expect(stop.cause).toBe("lost_contact");
});
