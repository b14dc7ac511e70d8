import { mkdir } from "node:fs/promises";
import { EnvironmentInvalid, parseEnvironment, RunnerEnvironment } from "../adapters/environment.ts";
import { resolveAgentUser } from "../runner/agent-user.ts";
import { JobFailure } from "../runner/job-failure.ts";
import { type LocalSettings, SettingsInvalid } from "./settings.ts";

/** A runner that cannot start for its settings would say so in its log only, job after job: better now, and once. */
export async function checkRunnerSettings({ path, workRoot, gitBaseUrl, runner }: LocalSettings): Promise<void> {
  // What the stack itself provides later is not in question here.
  const provided = { TABLE_NAME: "", QUEUE_URL: "", PATH: path, GIT_BASE_URL: gitBaseUrl };
  try {
    const { AGENT_USER } = parseEnvironment(RunnerEnvironment, { ...provided, ...runner, WORK_ROOT: workRoot });
    await resolveAgentUser(AGENT_USER);
  } catch (error) {
    if (!(error instanceof EnvironmentInvalid || error instanceof JobFailure)) throw error;
    throw new SettingsInvalid(error.message);
  }
  await mkdir(workRoot, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return;
    throw new SettingsInvalid(`WORK_ROOT: the folder ${workRoot} cannot be made (${error.message}); take another.`);
  });
}
