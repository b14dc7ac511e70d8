import type { Trouble } from "../../core/lifecycle/trouble.ts";
import { Outage } from "./faults.ts";

/** What reconcile collects must be what the schedule has made fail; anything else is a defect of its own. */
export function assertOnlyOutages(errors: Trouble["errors"]): void {
  for (const { error } of errors) if (!(error instanceof Outage)) throw error;
}
