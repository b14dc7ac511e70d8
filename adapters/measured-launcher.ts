import { LaunchRefused, NoCapacity } from "../core/errors.ts";
import type { RunnerLauncher } from "../core/ports.ts";
import { awsRequestOf, type LogContext } from "./log.ts";
import type { RecordMetrics } from "./metrics.ts";

/** Counts the runners that were launched, and those that ECS did not start. Any other failure is an error in the log. */
export function measuredLauncher(launcher: RunnerLauncher, record: RecordMetrics): RunnerLauncher {
  async function refusalCounted<Answer>(launched: Promise<Answer>, about: LogContext): Promise<Answer> {
    try {
      return await launched;
    } catch (error) {
      if (error instanceof LaunchRefused || error instanceof NoCapacity) {
        record({ LaunchesRefused: 1 }, { ...about, cause: error.message, ...awsRequestOf(error) });
      }
      throw error;
    }
  }

  return {
    ...launcher,

    // Each has a number of its own in the job's row, so none is launched again.
    async launch(launch) {
      await refusalCounted(launcher.launch(launch), { ...launch });
      record({ RunnersLaunched: 1 }, { ...launch });
    },

    async launchWarm(name) {
      const isNew = await refusalCounted(launcher.launchWarm(name), { name });
      if (isNew) record({ RunnersLaunched: 1 }, { name });
      return isNew;
    },
  };
}
