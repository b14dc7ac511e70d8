import { parseArgs } from "node:util";
import { callerIdentity } from "../caller-identity.ts";
import { Refused } from "../refused.ts";
import { removeStack } from "./remove-stack.ts";

/** `npm run destroy`: removes a deployment, its runners first. */

const usage =
  "npm run destroy -- omx-web-prod --yes\n" +
  "It switches the stack's rules off, stops its runners, whose jobs go no further, and has cdk destroy remove it. The table\n" +
  "stays, unless it was deployed with -c keepData=false.";

try {
  const { stackName, stageName } = readArguments(process.argv.slice(2));
  // Nothing is done without knowing where.
  await callerIdentity();
  await removeStack(stackName, ["-c", `stageName=${stageName}`], (line) => void process.stdout.write(`${line}\n`));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

/** Throws `Refused` unless one stack of this app is named, and it is agreed to. */
function readArguments(args: readonly string[]) {
  const { positionals, values } = parsed(args);
  const [stackName = "", ...others] = positionals;
  const [, stageName] = /^omx-web-(.+)$/.exec(stackName) ?? [];
  if (stageName === undefined || others.length > 0)
    throw new Refused(`Name one stack; its name begins with omx-web-:\n${usage}`);
  if (!values.yes)
    throw new Refused(
      `${stackName} would be gone, and what its runners work on: add --yes if that is all right.\n${usage}`,
    );
  return { stackName, stageName };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { yes: { type: "boolean", default: false } },
    });
  } catch (error) {
    throw new Refused(`${(error as Error).message}\n${usage}`);
  }
}
