import * as z from "zod";
import { EnvironmentInvalid, parseEnvironment } from "../../adapters/environment.ts";
import { callerIdentity } from "../caller-identity.ts";
import { Refused } from "../refused.ts";
import { findings } from "./checks.ts";
import { clientOf, newKey } from "./client.ts";
import { readOptions, usage } from "./command-line.ts";
import { deploy } from "./deployment.ts";
import type { Finding } from "./finding.ts";

/** `npm run verify:aws`: deploys to a real account, looks whether the service does there what it says, and removes it. */

const Environment = z.object({ AWS_ENDPOINT_URL: z.url().optional() });
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => stopping.abort(new Refused(`Stopped by ${signal}.`)));

try {
  const found = await verify(process.argv.slice(2));
  process.stdout.write(`\n${table(found)}\n`);
  process.exitCode = found.every(({ isAsExpected }) => isAsExpected !== false) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Refused || error instanceof EnvironmentInvalid)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

async function verify(args: readonly string[]): Promise<Finding[]> {
  const options = readOptions(args);
  const endpoint = parseEnvironment(Environment).AWS_ENDPOINT_URL;
  const { account, arn } = await callerIdentity();
  if (account !== options.account)
    throw new Refused(`The credentials are of account ${account} (${arn}), and --account says ${options.account}.`);
  if (!options.isAgreed) throw new Refused(`This costs money: add --yes if that is all right.\n${usage}`);
  await using deployment = await deploy(options, { endpoint });
  const { apiUrl, tableName, seconds } = deployment;
  const client = clientOf(apiUrl, await newKey(tableName), options.repository, stopping.signal);
  const deployed = { what: "the deployment", seen: `after ${seconds.toFixed(0)} s`, isAsExpected: true };
  return [deployed, ...(await findings(client))];
}

function table(found: readonly Finding[]): string {
  const widest = Math.max(...found.map(({ what }) => what.length));
  const sign = ({ isAsExpected }: Finding) => (isAsExpected === undefined ? "-  " : isAsExpected ? "yes" : "NO ");
  return found.map((one) => `${sign(one)}  ${one.what.padEnd(widest)}  ${one.seen}`).join("\n");
}
