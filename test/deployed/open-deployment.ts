import { deployment } from "../../local/deployment/records.ts";
import { useEmulator } from "../../local/process-environments.ts";

/** What `local:deploy` has made; has this process's SDK clients find it. */
export async function openDeployment() {
  const known = await deployment.read();
  if (known === undefined) throw new Error("Nothing is deployed: npm run local:up && npm run local:deploy.");
  useEmulator(known.endpoint);
  return known;
}
