import { LaunchRefused, NoCapacity } from "../core/errors.ts";
import type { RunnerLauncher } from "../core/ports.ts";
import type { LogContext } from "./log.ts";
import type { RecordMetrics } from "./metrics.ts";

/** Counts the runners that were launched, and those that ECS did not start. Any other failure is an error in the log. */
export function measuredLauncher(launcher: RunnerLauncher, record: RecordMetrics): RunnerLauncher {
  async function counted(launched: Promise<void>, about: LogContext): Promise<void> {
    try {
      await launched;
    } catch (error) {
      if (error instanceof LaunchRefused || error instanceof NoCapacity) {
        record({ LaunchesRefused: 1 }, { ...about, cause: error.message });
      }
      throw error;
    }
    record({ RunnersLaunched: 1 }, about);
  }

  return {
    ...launcher,
    launch: (launch) => counted(launcher.launch(launch), { ...launch }),
    launchWarm: (name) => counted(launcher.launchWarm(name), { name }),
  };
}
