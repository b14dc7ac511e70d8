import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { TenantSlots } from "../core/ports.ts";
import { dynamoLiveIndex } from "./dynamo-live-index.ts";
import { liveIndex, liveShardOf, liveSlotsKey, slotsKey } from "./dynamo-table.ts";
import { unlessRefused } from "./unless-refused.ts";

/**
 * One item per tenant with the set of the jobs that hold a slot. A set makes taking and releasing exact and safe to
 * repeat, in one write each. The item is in the live index while anybody may hold a slot, so that reconcile finds it.
 */
export function dynamoTenantSlots(client: DynamoDBDocumentClient, tableName: string): TenantSlots {
  const item = (tenantId: string) => ({ TableName: tableName, Key: slotsKey(tenantId) });
  const update = async (input: ConstructorParameters<typeof UpdateCommand>[0]) =>
    (await unlessRefused(client.send(new UpdateCommand(input)))) !== undefined;

  return {
    take: (tenantId, jobId, maximum) =>
      update({
        ...item(tenantId),
        UpdateExpression: `ADD holders :job SET ${liveIndex.partitionKey} = :shard, ${liveIndex.sortKey} = :key`,
        ConditionExpression: "attribute_not_exists(holders) OR size(holders) < :maximum OR contains(holders, :jobId)",
        ExpressionAttributeValues: {
          ":job": new Set([jobId]),
          ":jobId": jobId,
          ":maximum": maximum,
          ":shard": liveShardOf(tenantId),
          ":key": liveSlotsKey(tenantId),
        },
      }),

    async release(tenantId, jobId) {
      await update({
        ...item(tenantId),
        UpdateExpression: "DELETE holders :job",
        ConditionExpression: "contains(holders, :jobId)",
        ExpressionAttributeValues: { ":job": new Set([jobId]), ":jobId": jobId },
      });
    },

    async holders(tenantId) {
      const { Item } = await client.send(new GetCommand({ ...item(tenantId), ConsistentRead: true }));
      return Item?.holders instanceof Set ? [...Item.holders].map(String) : [];
    },

    async forgetIfUnused(tenantId) {
      await update({
        ...item(tenantId),
        UpdateExpression: `REMOVE ${liveIndex.partitionKey}, ${liveIndex.sortKey}`,
        ConditionExpression: "attribute_not_exists(holders)",
      });
    },

    listTenants: dynamoLiveIndex(client, tableName).listTenants,
  };
}
