import { CannotGoOn } from "./cannot-go-on.ts";

interface At {
  readonly endpoint: string;
}

/**
 * The suite clones repositories of this machine and kills runners as processes of it: it suits what `local:up` has started,
 * and no emulator whose runners are containers. Throws `CannotGoOn`.
 */
export function requireOwnEmulator({ endpoint }: At, running: At | undefined): void {
  if (endpoint === running?.endpoint) return;
  throw new CannotGoOn(
    `The deployment is on ${endpoint}, which local:up has not started, and the tests work with runners that are processes ` +
      "of this machine: without AWS_ENDPOINT_URL, npm run local:up && npm run local:deploy.",
  );
}
