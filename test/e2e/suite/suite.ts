import { afterAll, beforeAll } from "vitest";
import { makeGitHost } from "../../helpers/git-host.ts";
import { processesWith } from "../../helpers/processes.ts";
import type { Deployment } from "./deployment.ts";
import { jobsSuite } from "./jobs.ts";
import { keysSuite } from "./keys.ts";
import { lossesSuite } from "./losses.ts";
import { quotaSuite } from "./quota.ts";

/** Finds a deployment, or makes one; the suite has the rest. */
export type OpenDeployment = () => Promise<Omit<Deployment, "repository" | "killRunner">>;

/** The same for the embedded stack and for what is deployed: what a user may count on, over the API. */
export function endToEndSuite(open: OpenDeployment): void {
  const cleanUp = new AsyncDisposableStack();
  let deployment: Deployment | undefined;

  beforeAll(async () => {
    const gitHost = cleanUp.use(await makeGitHost());
    await gitHost.add("owner/name", { "a.txt": "one\n", "test.sh": "grep -q two a.txt\n" });
    const repository = `${gitHost.baseUrl}owner/name`;
    deployment = { ...(await open()), repository, killRunner };
    cleanUp.use(deployment);
  });

  afterAll(() => cleanUp.disposeAsync());

  const opened = () => {
    if (deployment === undefined) throw new Error("The deployment is not open yet.");
    return deployment;
  };
  for (const suite of [jobsSuite, lossesSuite, quotaSuite, keysSuite]) suite(opened);
}

/** A runner is a process of this machine, which has its task's name in its environment. */
function killRunner(owner: string): void {
  const processIds = processesWith(owner.slice(owner.lastIndexOf("/") + 1));
  if (processIds.length === 0) throw new Error(`There is no process of ${owner}.`);
  for (const processId of processIds) process.kill(processId, "SIGKILL");
}
