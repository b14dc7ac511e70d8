import { RemovalPolicy } from "aws-cdk-lib";
import { type Attribute, AttributeType, BillingMode, ProjectionType, Table } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { expiryAttribute, tableDefinition } from "../adapters/dynamo-table.ts";
import type { Configuration } from "./configuration.ts";

type KeySchema = typeof tableDefinition.KeySchema;

/**
 * The one table, as `adapters/dynamo-table.ts` defines it. There is no bucket: nothing stores anything in one.
 */
export class Storage extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { keepData }: Configuration) {
    super(scope, id);
    this.table = new Table(this, "Table", {
      ...keysOf(tableDefinition.KeySchema),
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: expiryAttribute,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepData,
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    for (const { IndexName, KeySchema, Projection } of tableDefinition.GlobalSecondaryIndexes ?? []) {
      this.table.addGlobalSecondaryIndex({
        indexName: IndexName ?? "",
        ...keysOf(KeySchema),
        projectionType: ProjectionType[Projection?.ProjectionType ?? "ALL"],
        ...(Projection?.NonKeyAttributes && { nonKeyAttributes: Projection.NonKeyAttributes }),
      });
    }
  }
}

function keysOf(schema: KeySchema): { partitionKey: Attribute; sortKey: Attribute } {
  return { partitionKey: keyOf(schema, "HASH"), sortKey: keyOf(schema, "RANGE") };
}

const types = { S: AttributeType.STRING, N: AttributeType.NUMBER, B: AttributeType.BINARY };

function keyOf(schema: KeySchema, type: "HASH" | "RANGE"): Attribute {
  const name = schema?.find(({ KeyType }) => KeyType === type)?.AttributeName;
  const definition = tableDefinition.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name);
  if (name === undefined || definition?.AttributeType === undefined)
    throw new Error(`The table's definition lacks a ${type} key or its type.`);
  return { name, type: types[definition.AttributeType] };
}
