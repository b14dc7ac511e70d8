import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Refused } from "../refused.ts";

/** Throws `Refused` where the credentials are of another account than was said, or where there are none. */
export async function requireAccount(account: string): Promise<void> {
  const client = new STSClient({});
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({})).catch((error: Error) => {
      throw new Refused(
        `AWS does not say whose credentials these are (${error.message}): set AWS_PROFILE and AWS_REGION, or log in.`,
      );
    });
    if (Account === account) return;
    throw new Refused(`The credentials are of account ${Account} (${Arn}), and --account says ${account}.`);
  } finally {
    client.destroy();
  }
}
