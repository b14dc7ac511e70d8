import { parseArgs } from "node:util";
import { Refused } from "../refused.ts";

export interface Options {
  /** Whose account it must be; nothing is done in any other. */
  readonly account: string;
  readonly isAgreed: boolean;
  /** What the jobs work on. */
  readonly repository: string;
  /** The runner's image; without it one is built, which takes Docker. */
  readonly imageUri: string | undefined;
}

export const usage =
  "npm run verify:aws -- --account 123456789012 --yes [--image URI] [--repo owner/name]\n" +
  "It deploys the service under a name of its own, runs 20 jobs, and removes it again: some 15 minutes, less than $0.30.";

/** Throws `Refused` unless the account is named. */
export function readOptions(args: readonly string[]): Options {
  const values = parsed(args);
  const { account, yes, repo, image } = values;
  if (account === undefined) throw new Refused(`Say in which account, by its number:\n${usage}`);
  if (!/^\d{12}$/.test(account))
    throw new Refused(`--account ${account} is no number of an account: it has 12 digits.`);
  return { account, isAgreed: yes, repository: repo, imageUri: image };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        account: { type: "string" },
        yes: { type: "boolean", default: false },
        repo: { type: "string", default: "octocat/Hello-World" },
        image: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new Refused(`${(error as Error).message}\n${usage}`);
  }
}
