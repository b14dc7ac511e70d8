import { afterEach, beforeEach, vi } from "vitest";

/**
 * Stands in for `node:timers/promises`, which vitest's fake time leaves alone, by the global timers, which it does not:
 * `vi.mock("node:timers/promises", () => import("…/fake-time.ts"))`.
 */
export function setTimeout<Value>(
  milliseconds: number,
  value: Value,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const abort = () => reject(signal?.reason);
  if (signal?.aborted) abort();
  const timer = globalThis.setTimeout(() => resolve(value), milliseconds);
  signal?.addEventListener("abort", abort, { once: true });
  return promise.finally(() => {
    globalThis.clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  });
}

/** In this file time passes only by `pass`, on the monotonic clock as on the wall clock. */
export function fakeTime(): { pass(milliseconds: number): Promise<void> } {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  return {
    async pass(milliseconds) {
      await vi.advanceTimersByTimeAsync(milliseconds);
    },
  };
}
