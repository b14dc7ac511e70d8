import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/** The longest answer of DynamoDB takes far less; without a limit a call to a host that is gone waits for minutes. */
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true };

/**
 * The SDK finds endpoint, region and credentials by itself, on AWS as elsewhere (`AWS_ENDPOINT_URL_DYNAMODB`), but for what
 * the caller knows better.
 */
export function dynamoClient(config: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler, ...config }), {
    marshallOptions: { removeUndefinedValues: true },
  });
}
