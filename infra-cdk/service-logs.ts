import { RemovalPolicy } from "aws-cdk-lib";
import { LogGroup, type LogGroupProps } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";

/** A log group that keeps its lines as long as the jobs are kept which they tell of. */
export function serviceLogs(
  scope: Construct,
  id: string,
  { retentionDays }: Configuration,
  props: LogGroupProps = {},
): LogGroup {
  return new LogGroup(scope, id, { retention: retentionDays, removalPolicy: RemovalPolicy.DESTROY, ...props });
}
