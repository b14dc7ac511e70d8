import { Stack } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { GatewayVpcEndpointAwsService, type ISubnet, type Vpc } from "aws-cdk-lib/aws-ec2";
import { AnyPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";

interface Ways {
  /** From where. */
  readonly subnets: readonly ISubnet[];
  /** With it, the ways lead to this table and the layers of images only; without, to everybody's tables and buckets. */
  readonly onlyTo: Pick<ITable, "tableArn"> | undefined;
}

/** Ways to DynamoDB and S3 that cost nothing, where a NAT gateway asks money for each gigabyte. They pass by any proxy. */
export function addGatewayEndpoints(vpc: Vpc, { subnets, onlyTo }: Ways): void {
  const from = { subnets: [{ subnets: [...subnets] }] };
  const dynamo = vpc.addGatewayEndpoint("DynamoDb", { ...from, service: GatewayVpcEndpointAwsService.DYNAMODB });
  const s3 = vpc.addGatewayEndpoint("S3", { ...from, service: GatewayVpcEndpointAwsService.S3 });
  if (onlyTo === undefined) return;
  const { partition, region } = Stack.of(vpc);
  dynamo.addToPolicy(forAll("dynamodb:*", onlyTo.tableArn, `${onlyTo.tableArn}/index/*`));
  // Where ECR keeps layers. Source: its user guide, "Amazon ECR interface VPC endpoints (AWS PrivateLink)".
  s3.addToPolicy(forAll("s3:GetObject", `arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`));
}

function forAll(action: string, ...resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({ principals: [new AnyPrincipal()], actions: [action], resources: [...resources] });
}
