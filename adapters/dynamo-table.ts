import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

/** The one table: its keys and indexes, said once for the adapters, the embedded stack and the deployment. */

const partitionKey = "pk";
const sortKey = "sk";
/** DynamoDB deletes an item some time after this attribute's epoch second. */
export const expiryAttribute = "expiresAt";

/** Jobs that are not settled, spread over shards. Sparse: a settled job leaves it. */
export const liveIndex = { name: "live", partitionKey: "livePartition", sortKey: "jobId" } as const;

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
  AttributeDefinitions: [partitionKey, sortKey, "livePartition", "tenantId", "jobId"].map((AttributeName) => ({
    AttributeName,
    AttributeType: "S",
  })),
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

export function requestKey(tenantId: string, keyHash: string) {
  return { pk: `REQUEST#${tenantId}`, sk: keyHash };
}

export function eventsPartition(jobId: string): string {
  return `EVENTS#${jobId}`;
}

/** Sorts as a string like the number does. */
export function eventsSortKey(seq: number): string {
  return String(seq).padStart(10, "0");
}
