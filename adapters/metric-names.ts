/**
 * The metrics that functions and runners write into their log, and alarms are made of, under the name of the stack. Each
 * with its unit and its dimensions. A dimension is never an id: each value of it is a metric of its own, and paid for.
 */
export const metrics = {
  /** A job was stored, which is then answered with 202. */
  JobsAccepted: { unit: "Count", dimensions: [] },
  /** A job has got its terminal status. */
  JobsEnded: { unit: "Count", dimensions: ["status"] },
  /** A runner was launched. */
  RunnersLaunched: { unit: "Count", dimensions: [] },
  /** A launch was refused for good, or found no room. */
  LaunchesRefused: { unit: "Count", dimensions: [] },
  /** A runner was launched and has ended before it could claim a job: a launch that its job gave up, or a warm runner. */
  RunnersLostBeforeStart: { unit: "Count", dimensions: [] },
  /** From when a runner was wanted for an attempt until one has claimed it. */
  StartSeconds: { unit: "Seconds", dimensions: [] },
  /** A job has lost its runner and starts anew. */
  JobsRequeued: { unit: "Count", dimensions: [] },
  /** A slot was held by a job that is over, or a runner worked on nothing and was stopped: a process was lost, or erred. */
  LeftOversCleared: { unit: "Count", dimensions: [] },
  /** Jobs and tenants that a run of reconcile could not look after. */
  ReconcileFailures: { unit: "Count", dimensions: [] },
  /** Jobs that no runner is on its way to, as each full run of reconcile sees them, none included: its sign of life. */
  JobsWaiting: { unit: "Count", dimensions: [] },
  /** How long a runner has been wanted for one of those that have a slot, as each full run sees it; 0 where there is none. */
  QueueAgeSeconds: { unit: "Seconds", dimensions: [] },
} as const satisfies Record<string, { readonly unit: "Count" | "Seconds"; readonly dimensions: readonly string[] }>;

export type MetricName = keyof typeof metrics;
