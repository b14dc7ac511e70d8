import { DynamoDBServiceException, ResourceNotFoundException } from "@aws-sdk/client-dynamodb";
import type { KeyTable } from "./key-table.ts";

/** What a table's failure means to who types commands: a sentence or two, or nothing where it is a defect of ours. */
export function explainFailure(
  error: unknown,
  { name, remedy }: Pick<KeyTable, "name" | "remedy">,
): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ResourceNotFoundException) {
    return `There is no ${name} in this account and region: look at the name, AWS_PROFILE and AWS_REGION.`;
  }
  if (error instanceof DynamoDBServiceException) return `DynamoDB refuses (${error.name}): ${error.message}`;
  if (error.name === "CredentialsProviderError") {
    return "There are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
  }
  if (error.message === "Region is missing") return "There is no AWS region: set AWS_REGION.";
  const code = "code" in error ? String(error.code) : error.name;
  if (!unreachable.has(code)) return undefined;
  return `Nothing answers for ${name} (${code}). ${remedy}`;
}

const unreachable = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"],
  ...["TimeoutError", "ERR_INVALID_URL"],
]);
