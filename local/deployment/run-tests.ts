import { execa } from "execa";
import { CannotGoOn, runCommand } from "./cannot-go-on.ts";
import { root } from "./folder.ts";
import { deployment, running } from "./records.ts";
import { requireOwnEmulator } from "./require-own-emulator.ts";

const ANSWER_SECONDS = 30;

/** `npm run local:test`: the end-to-end suite and the contracts of the adapters, against what `local:deploy` has made. */
await runCommand(async () => {
  const known = await deployment.read();
  if (known === undefined) throw new CannotGoOn("Nothing is deployed: npm run local:up && npm run local:deploy.");
  requireOwnEmulator(known, await running.read());
  const health = await fetch(`${known.apiUrl}/healthz`, {
    signal: AbortSignal.timeout(ANSWER_SECONDS * 1_000),
  }).catch(() => undefined);
  if (!health?.ok)
    throw new CannotGoOn(
      `The deployment does not answer on ${known.apiUrl}: npm run local:down && npm run local:up && npm run local:deploy.`,
    );
  const args = ["run", "--config", "vitest.deployed.config.ts", ...process.argv.slice(2)];
  const { exitCode } = await execa("vitest", args, { cwd: root, preferLocal: true, reject: false, stdio: "inherit" });
  process.exitCode = exitCode ?? 1;
});
