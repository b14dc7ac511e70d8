import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/** The longest answer of DynamoDB takes far less; without a limit a call to a host that is gone waits for minutes. */
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true };

/** The SDK finds endpoint, region and credentials by itself, on AWS as elsewhere (`AWS_ENDPOINT_URL_DYNAMODB`). */
export function dynamoClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler }), {
    marshallOptions: { removeUndefinedValues: true },
  });
}
