import { setTimeout as delay } from "node:timers/promises";
import { logError } from "../adapters/log.ts";
import { heartbeatGiveUpSeconds } from "../core/limits.ts";
import type { JobStop } from "./job-stop.ts";

const retryAfterMilliseconds = 1_000;

/**
 * Tries `act` until the store takes it: a short outage must not end a job that has worked for hours. An outage as long as
 * the lease bears ends in lost contact. Undefined when nothing may be written any more.
 */
export async function persistently<Answer>(
  stop: JobStop,
  act: () => Promise<Answer>,
  context: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  const giveUpAt = performance.now() + heartbeatGiveUpSeconds * 1_000;
  while (!stop.abandoned.aborted) {
    try {
      return await act();
    } catch (error) {
      logError("the store did not take a write", error, context);
    }
    if (performance.now() > giveUpAt) stop.stop("lost_contact");
    // Ends early, without an error, when the job is abandoned.
    await delay(retryAfterMilliseconds, undefined, { signal: stop.abandoned }).catch(() => undefined);
  }
  return undefined;
}
