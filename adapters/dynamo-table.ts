import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { liveShards } from "../core/limits.ts";
import type { LivePlace } from "../core/ports.ts";

/** The one table: its keys and indexes, said once for the adapters, the embedded stack and the deployment. */

const partitionKey = "pk";
const sortKey = "sk";
/** DynamoDB deletes an item some time after this attribute's epoch second. */
export const expiryAttribute = "expiresAt";

/** The value of that attribute for what is to be kept so long from now on. */
export function expiryAfter(days: number): number {
  return Math.floor(Date.now() / 1_000) + days * 86_400;
}

/**
 * What is not settled yet: jobs by phase, and the tenants that hold slots. Spread over shards by tenant, and sparse: what
 * is settled leaves it. Sort keys are made in `dynamo-live-index.ts`. A partition of its own lists the keys of the API.
 */
export const liveIndex = { name: "live", partitionKey: "livePartition", sortKey: "liveKey" } as const;

/** A tenant's jobs by id, which is by time. */
export const tenantIndex = {
  name: "byTenant",
  partitionKey: "tenantId",
  sortKey: "jobId",
  include: ["status", "labels"],
} as const;

/** The input of CreateTable, but for the table's name. */
export const tableDefinition: Omit<CreateTableCommandInput, "TableName"> = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [partitionKey, sortKey, liveIndex.partitionKey, liveIndex.sortKey, "tenantId", "jobId"].map(
    (AttributeName) => ({
      AttributeName,
      AttributeType: "S",
    }),
  ),
  KeySchema: keySchema(partitionKey, sortKey),
  GlobalSecondaryIndexes: [
    {
      IndexName: liveIndex.name,
      KeySchema: keySchema(liveIndex.partitionKey, liveIndex.sortKey),
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
    {
      IndexName: tenantIndex.name,
      KeySchema: keySchema(tenantIndex.partitionKey, tenantIndex.sortKey),
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: [...tenantIndex.include] },
    },
  ],
};

function keySchema(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
}

export function jobKey(jobId: string) {
  return { pk: `JOB#${jobId}`, sk: "JOB" };
}

export function specKey(jobId: string) {
  return { pk: `JOB#${jobId}`, sk: "SPEC" };
}

export function slotsKey(tenantId: string) {
  return { pk: `TENANT#${tenantId}`, sk: "SLOTS" };
}

export function livePartition(shard: number): string {
  return `LIVE#${shard}`;
}

/** By tenant, so that one query answers what of a tenant's jobs waits. */
export function liveShardOf(tenantId: string): string {
  let hash = 0;
  for (const character of tenantId) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_536;
  return livePartition(hash % liveShards);
}

/** The sort key of a job in the live index. A ULID sorts by time. */
export function liveKey(place: LivePlace, jobId: string): string {
  return typeof place === "string" ? `${place}#${jobId}` : `${waitingPrefix(place.waitingTenant)}${jobId}`;
}

/** Of all waiting jobs of a tenant. Encoded, so that no tenant's name begins like another's. */
export function waitingPrefix(tenantId: string): string {
  return `waiting#${encodeURIComponent(tenantId)}#`;
}

/** The sort key of a tenant's slots in the live index. */
export function liveSlotsKey(tenantId: string): string {
  return `slots#${encodeURIComponent(tenantId)}`;
}

/** The tenant in a sort key of its waiting jobs or of its slots. */
export function tenantOf(sortKey: string): string {
  return decodeURIComponent(sortKey.split("#")[1] ?? "");
}

export function requestKey(tenantId: string, keyHash: string) {
  return { pk: `REQUEST#${tenantId}`, sk: keyHash };
}

export function apiKeyKey(keyId: string) {
  return { pk: `KEY#${keyId}`, sk: "KEY" };
}

/** Where the keys of the API are listed: in the live index, beside the shards. */
export const apiKeysPartition = "KEYS";

/** The sort key there. No tenant's name contains the `#`. */
export function apiKeyPlace(tenantId: string, keyId: string): string {
  return `${tenantId}#${keyId}`;
}

export function eventsPartition(jobId: string): string {
  return `EVENTS#${jobId}`;
}

/** Sorts as a string like the number does. */
export function eventsSortKey(seq: number): string {
  return String(seq).padStart(10, "0");
}
