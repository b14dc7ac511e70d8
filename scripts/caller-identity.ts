import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Refused } from "./refused.ts";

interface CallerIdentity {
  /** Its number. */
  readonly account: string | undefined;
  readonly arn: string | undefined;
}

/** Whose credentials these are. Throws `Refused` where there are none that AWS knows, or no region. */
export async function callerIdentity(): Promise<CallerIdentity> {
  const client = new STSClient({});
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    return { account: Account, arn: Arn };
  } catch (error) {
    throw new Refused(
      `AWS does not say whose credentials these are (${(error as Error).message}): set AWS_PROFILE and AWS_REGION, or log in.`,
    );
  } finally {
    client.destroy();
  }
}
