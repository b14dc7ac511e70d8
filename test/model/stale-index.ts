import { isDeepStrictEqual } from "node:util";
import type { JobRecord } from "../../core/job.ts";
import type { LivePlace } from "../../core/ports.ts";
import type { Ledger } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";

/** An index and a cheap read follow the writes within this time; in a table of one process they never lag by themselves. */
const lagMilliseconds = 5_000;

/** What a read that need not be consistent may answer instead of the present state. */
export class StaleIndex {
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;

  constructor(scheduler: Scheduler, ledger: Ledger) {
    this.#scheduler = scheduler;
    this.#ledger = ledger;
  }

  /** A version of the row that was replaced a moment ago; undefined where the present one is to be read. */
  row(jobId: string): JobRecord | undefined {
    const [present, before] = this.#ledger.versions.get(jobId) ?? [];
    return present && before && this.#lags(present.since) ? before.record : undefined;
  }

  /** The listing without some that have come a moment ago, and with some that have left. */
  jobs(place: LivePlace, listed: readonly string[]): string[] {
    const ids = new Set(listed);
    for (const [jobId, [present, before]] of this.#ledger.versions) {
      if (present === undefined || isDeepStrictEqual(present.place, before?.place) || !this.#lags(present.since))
        continue;
      if (isIn(before?.place, place, present.record)) ids.add(jobId);
      else ids.delete(jobId);
    }
    return [...ids].sort();
  }

  #lags(since: number): boolean {
    const { random, now, faultProbability } = this.#scheduler;
    return faultProbability > 0 && now - since < lagMilliseconds && random.isTrue(0.3);
  }
}

function isIn(place: LivePlace | undefined, asked: LivePlace, { tenantId }: JobRecord): boolean {
  if (place === undefined || typeof place === "string" || typeof asked === "string") return place === asked;
  return tenantId === asked.waitingTenant;
}
