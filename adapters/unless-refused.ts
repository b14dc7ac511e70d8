import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";

/** A refused condition is an answer, not an error. */
export async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
