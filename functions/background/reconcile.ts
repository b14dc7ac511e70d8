import { reconcileJobs } from "../../core/lifecycle/reconcile-jobs.ts";
import { eventLog, jobQueue, jobStore, runnerLauncher, systemClock } from "../wiring.ts";

/** Runs each minute and whenever a runner's task has stopped. The event is only an occasion: what counts is the table. */
export async function handler(): Promise<void> {
  await reconcileJobs({
    jobs: jobStore(),
    events: eventLog(),
    queue: jobQueue(),
    launcher: runnerLauncher(),
    now: systemClock,
  });
}
