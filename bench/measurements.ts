import type { Measure } from "./report.ts";

/** Every measurement by its name, in the order in which they run. Loaded one at a time: each has a process of its own. */
export const measurements: Readonly<Record<string, () => Promise<Measure>>> = {
  "first-output": async () => (await import("./first-output.ts")).measureFirstOutput,
  panes: async () => (await import("./panes.ts")).measurePanes,
  flood: async () => (await import("./flood.ts")).measureFlood,
  "write-units": async () => (await import("./write-units.ts")).measureWriteUnits,
  api: async () => (await import("./api.ts")).measureApi,
  functions: async () => (await import("./functions.ts")).measureFunctions,
  "events-page": async () => (await import("./events-page.ts")).measureEventsPage,
  reconcile: async () => (await import("./reconcile.ts")).measureReconcile,
  start: async () => (await import("./start.ts")).measureStart,
};
