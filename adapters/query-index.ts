import {
  type DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
  type QueryCommandOutput,
} from "@aws-sdk/lib-dynamodb";

/**
 * The pages of a query of an index. What the query asks for is fixed, so one that is refused as not valid has met a table
 * whose index is missing, not complete yet, or of another version: the error then says what to do.
 */
export async function* queryIndex(
  client: DynamoDBDocumentClient,
  query: QueryCommandInput & { readonly IndexName: string },
): AsyncIterable<QueryCommandOutput> {
  try {
    yield* paginateQuery({ client }, query);
  } catch (error) {
    if (!(error instanceof Error && error.name === "ValidationException")) throw error;
    const what = `The index ${query.IndexName} of the table ${query.TableName} is not as this version needs it`;
    const remedy = "Deploy again, which makes it so, or wait until that is complete; no job is lost meanwhile.";
    throw new Error(`${what} (${error.message}). ${remedy}`, { cause: error });
  }
}
