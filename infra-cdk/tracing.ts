import { CfnSamplingRule } from "aws-cdk-lib/aws-xray";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";

/**
 * Of a hundred requests, five are traced, through API Gateway and functions. X-Ray's own rule would take the first of each
 * second besides, which with one caller that polls is nearly all.
 */
export const tracedShare = 0.05;

/** For the API alone: it decides for whatever a request leads to. */
export function traceSomeRequests(scope: Construct, { stackName, stageName }: Configuration): void {
  new CfnSamplingRule(scope, "TracedRequests", {
    samplingRule: {
      ...{ ruleName: stackName, priority: 1_000, version: 1, fixedRate: tracedShare, reservoirSize: 0 },
      ...{ serviceName: `${stackName}/${stageName}`, serviceType: "AWS::ApiGateway::Stage", resourceArn: "*" },
      ...{ host: "*", httpMethod: "*", urlPath: "*" },
    },
  });
}
