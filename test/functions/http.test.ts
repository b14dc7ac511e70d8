import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { getJob } from "../../functions/api/get-job.ts";
import { lambdaFor } from "../../functions/http.ts";
import { inMemoryJobStore } from "../fakes/in-memory-job-store.ts";
import { callerOf, lambdaOf } from "../helpers/api.ts";

const params = { jobId: "01KB3Q9M6Y8Z4V5N7T2R1C0D9E" };
const secret = "the password of table omx-web is hunter2";
const failingWith = (error: unknown) => getJob({ jobs: { ...inMemoryJobStore(), get: () => Promise.reject(error) } });
const broken = failingWith(new Error(secret));

describe("an error that nobody expected", () => {
  const log = vi.spyOn(process.stderr, "write");
  beforeEach(() => void log.mockClear().mockReturnValue(true));
  afterEach(() => void log.mockReset());

  test("is answered without a word of it", async () => {
    const { status, headers, body } = await lambdaOf("getJob", broken)({ params });

    expect(status).toBe(500);
    expect(headers["Content-Type"]).toBe("application/problem+json");
    expect(body).toMatchObject({
      code: "internal_error",
      title: "Internal error",
      retryable: true,
      instance: `/v1/jobs/${params.jobId}`,
    });
    expect(JSON.stringify(body)).not.toMatch(/hunter2|password|at .*\.ts/);
  });

  test("is logged in one line, with the request's id, for who runs the service", async () => {
    const { body } = await lambdaOf("getJob", broken)({ params });

    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
    const { requestId } = body as { requestId: string };
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "ERROR",
      message: "request failed",
      requestId,
      path: `/v1/jobs/${params.jobId}`,
      cause: expect.stringContaining(secret),
    });
  });

  test("may be anything that is thrown", async () => {
    expect(await lambdaOf("getJob", failingWith("a text"))({ params })).toMatchObject({ status: 500 });
  });

  test("may already be that the function cannot be composed, which is tried again with the next request", async () => {
    let times = 0;
    const handler = lambdaFor("getHealth", () => {
      times++;
      if (times === 1) throw new Error(secret);
      return async () => ({ body: { status: "ok" } });
    });
    const call = callerOf("getHealth", handler);

    expect((await call()).status).toBe(500);
    expect((await call()).status).toBe(200);
  });
});

test("A request that its caller can mend is not logged", async () => {
  const log = vi.spyOn(process.stderr, "write").mockReturnValue(true);

  await lambdaOf("getJob", broken)({ params: { jobId: "1" } });

  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
});

test("A handler is composed once, and not before its first request", async () => {
  const compose = vi.fn(() => async () => ({ body: { status: "ok" as const } }));
  const handler = lambdaFor("getHealth", compose);
  expect(compose).not.toHaveBeenCalled();

  await callerOf("getHealth", handler)();
  await callerOf("getHealth", handler)();

  expect(compose).toHaveBeenCalledOnce();
});

test("Headers are understood in any case", async () => {
  const answer = vi.fn(async () => ({ body: { status: "ok" as const } }));

  await lambdaOf("getHealth", answer)({ headers: { "X-One": "1", ACCEPT: "x" } });

  expect(answer).toHaveBeenCalledWith(expect.objectContaining({ headers: { "x-one": "1", accept: "x" } }));
});
