import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { ApiKey } from "../core/api-key.ts";
import type { ApiKeys } from "../core/ports.ts";
import { apiKeyKey, apiKeyPlace, apiKeysPartition, liveIndex } from "./dynamo-table.ts";
import { unlessRefused } from "./unless-refused.ts";

/** So many keys are looked up at once. */
const listedAtOnce = 50;

/**
 * One item per key, found by its id. It stays in a partition of the live index, which holds keys only, so that a list of
 * them reads nothing else of the table.
 */
export function dynamoApiKeys(client: DynamoDBDocumentClient, tableName: string): ApiKeys {
  const item = (keyId: string) => ({ TableName: tableName, Key: apiKeyKey(keyId) });

  /** Consistent: a key that has been disabled is refused from then on. */
  async function get(keyId: string): Promise<ApiKey | undefined> {
    const { Item } = await client.send(new GetCommand({ ...item(keyId), ConsistentRead: true }));
    return Item && ApiKey.parse(Item);
  }

  return {
    get,

    async create(key) {
      const place = {
        [liveIndex.partitionKey]: apiKeysPartition,
        [liveIndex.sortKey]: apiKeyPlace(key.tenantId, key.keyId),
      };
      await client.send(
        new PutCommand({
          TableName: tableName,
          Item: { ...apiKeyKey(key.keyId), ...place, ...ApiKey.parse(key) },
          ConditionExpression: "attribute_not_exists(pk)",
        }),
      );
    },

    async *list(tenantId) {
      const ofTenant = tenantId === undefined ? "" : ` AND begins_with(${liveIndex.sortKey}, :tenant)`;
      const query = {
        TableName: tableName,
        IndexName: liveIndex.name,
        KeyConditionExpression: `${liveIndex.partitionKey} = :keys${ofTenant}`,
        ExpressionAttributeValues: {
          ":keys": apiKeysPartition,
          ...(tenantId !== undefined && { ":tenant": apiKeyPlace(tenantId, "") }),
        },
      };
      for await (const { Items = [] } of paginateQuery({ client, pageSize: listedAtOnce }, query)) {
        const keys = await Promise.all(Items.map((place) => get(keyIdIn(String(place[liveIndex.sortKey])))));
        yield* keys.filter((key) => key !== undefined);
      }
    },

    async disable(keyId, at) {
      const answer = await unlessRefused(
        client.send(
          new UpdateCommand({
            ...item(keyId),
            UpdateExpression: "SET disabledAt = :at",
            ConditionExpression: "attribute_exists(pk) AND disabledAt = :never",
            ExpressionAttributeValues: { ":at": at.toISOString(), ":never": null },
            ReturnValues: "ALL_NEW",
          }),
        ),
      );
      return answer?.Attributes ? ApiKey.parse(answer.Attributes) : get(keyId);
    },
  };
}

function keyIdIn(place: string): string {
  return place.slice(place.lastIndexOf("#") + 1);
}
