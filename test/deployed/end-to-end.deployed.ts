import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { limits } from "../../local/deployment/names.ts";
import { endToEndSuite } from "../e2e/suite/suite.ts";
import { testKey } from "../helpers/api-keys.ts";
import { openDeployment } from "./open-deployment.ts";

endToEndSuite(async () => {
  const { apiUrl, tableName } = await openDeployment();
  const client = dynamoClient();
  return {
    ...{ url: apiUrl, limits },
    // No emulator's API Gateway passes an answer on while it is written.
    isStreaming: false,
    async makeKey(given) {
      const { key, header } = testKey(given);
      await dynamoApiKeys(client, tableName).create(key);
      return header;
    },
    [Symbol.asyncDispose]: async () => client.destroy(),
  };
});
