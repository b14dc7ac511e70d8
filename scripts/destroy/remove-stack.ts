import { cdk } from "../cdk.ts";
import { disableRules } from "./disable-rules.ts";
import { stopTasks } from "./stop-tasks.ts";

/**
 * Removes the stack, whose cluster has its name. CloudFormation alone would fail at the cluster while a runner works or
 * waits, and whatever is stopped before reconcile is, it launches again. `args` tell `cdk` which stack it is.
 */
export async function removeStack(
  stackName: string,
  args: readonly string[],
  tell: (line: string) => void,
): Promise<void> {
  const rules = await disableRules(stackName);
  tell(`Nothing looks after the jobs of ${stackName} any more: ${rules.length} rules are switched off.`);
  const destroy = async () => {
    tell(`${await stopTasks(stackName)} runners stopped.`);
    await cdk("destroy", "--force", ...args);
  };
  // A request may have launched a runner after all had stopped. It goes no further than the cluster then, which comes after
  // the functions: the second time nothing is left that could launch one.
  await destroy().catch(destroy);
}
