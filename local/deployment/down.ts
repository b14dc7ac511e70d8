import { runCommand } from "./cannot-go-on.ts";
import { stopWhatRuns } from "./stop-what-runs.ts";

/** `npm run local:down`: stops what `local:up` has started, and with it the deployment. */
await runCommand(async () => {
  const didRun = await stopWhatRuns();
  process.stdout.write(
    didRun ? "Stopped, and the deployment is gone with it.\n" : "Nothing runs that local:up has started.\n",
  );
});
