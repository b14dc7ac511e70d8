import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { dynamoApiKeys } from "../adapters/dynamo-api-keys.ts";
import { isSecret } from "../adapters/key-secret.ts";
import { enterLogContext, logInfo } from "../adapters/log.ts";
import { type ApiKey, keyState, parseAuthorization } from "../core/api-key.ts";
import type { ApiKeys, Clock } from "../core/ports.ts";
import { once } from "./once.ts";
import { dynamo, environment } from "./table-wiring.ts";

interface AuthorizerPorts {
  readonly keys: ApiKeys;
  readonly now: Clock;
}

/**
 * The request authorizer of all routes that are not public. A valid key is allowed the whole stage, because API Gateway
 * keeps the answer for the key's next requests, whatever their route: scopes are looked at by the routes.
 */
export function authorizer({ keys, now }: AuthorizerPorts) {
  return async (event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    enterLogContext({ requestId: event.requestContext.requestId });
    const presented = parseAuthorization(authorizationOf(event));
    if (presented === undefined) throw new Unauthorized();
    const key = await keys.get(presented.keyId);
    const state = key && isSecret(presented.secret, key.secretHash) ? keyState(key, now()) : "wrong";
    if (key === undefined || state !== "active") {
      logInfo("key refused", { keyId: presented.keyId, state });
      throw new Unauthorized();
    }
    return allow(key, event.methodArn);
  };
}

/** By itself and not by the jobs' wiring, whose schemas its cold start would pay for. */
const composed = once(() =>
  authorizer({ keys: dynamoApiKeys(dynamo(), environment().TABLE_NAME), now: () => new Date() }),
);

export async function handler(event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> {
  return composed()(event);
}

/** API Gateway answers 401 to this very message, and 500 to any other. */
class Unauthorized extends Error {
  constructor() {
    super("Unauthorized");
  }
}

/** None where there are several: API Gateway may take another of them for the key of its cache than we would. */
function authorizationOf({ multiValueHeaders, headers }: APIGatewayRequestAuthorizerEvent): string {
  const values = Object.entries(multiValueHeaders ?? headers ?? {}).flatMap(([name, given]) =>
    name.toLowerCase() === "authorization" ? (given ?? []) : [],
  );
  return values.length === 1 ? (values[0] ?? "") : "";
}

function allow({ keyId, tenantId, scopes }: ApiKey, methodArn: string): APIGatewayAuthorizerResult {
  const [api, stage] = methodArn.split("/");
  return {
    principalId: keyId,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "execute-api:Invoke", Resource: `${api}/${stage}/*/*` }],
    },
    context: { tenantId, keyId, scopes: scopes.join(" ") },
  };
}
