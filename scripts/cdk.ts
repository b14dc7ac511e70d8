import { fileURLToPath } from "node:url";
import { execa } from "execa";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command of the CDK for the app, and shows what it says. Throws where it fails. */
export async function cdk(command: string, ...args: readonly string[]): Promise<void> {
  const { failed, shortMessage } = await execa("cdk", [command, ...args], {
    cwd: root,
    preferLocal: true,
    // In a group of its own: Ctrl-C is to end what calls this, and not to break off what removes the stack.
    detached: true,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    reject: false,
    env: { CI: "1" },
  });
  if (failed) throw new Error(`${shortMessage}.`);
}
