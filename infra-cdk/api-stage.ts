import {
  AccessLogField,
  AccessLogFormat,
  LogGroupLogDestination,
  MethodLoggingLevel,
  type StageOptions,
} from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { serviceLogs } from "./service-logs.ts";

/** Requests of all callers together; one that asks every second for events counts once a second. */
const requestsPerSecond = 200;
const requestsAtOnce = 400;

/** A line of JSON for each request, by which it is found in the functions' log: `requestId`. */
const accessLogLine = {
  requestId: AccessLogField.contextRequestId(),
  time: AccessLogField.contextRequestTime(),
  tenantId: AccessLogField.contextAuthorizer("tenantId"),
  keyId: AccessLogField.contextAuthorizer("keyId"),
  sourceIp: AccessLogField.contextIdentitySourceIp(),
  method: AccessLogField.contextHttpMethod(),
  resourcePath: AccessLogField.contextResourcePath(),
  status: AccessLogField.contextStatus(),
  responseType: AccessLogField.contextErrorResponseType(),
  responseBytes: AccessLogField.contextResponseLength(),
  responseMilliseconds: AccessLogField.contextResponseLatency(),
  integrationMilliseconds: AccessLogField.contextIntegrationLatency(),
};

/** How the API's one stage is run. Of its own doing API Gateway logs errors only: what it logs besides holds keys. */
export function stageOptions(scope: Construct, configuration: Configuration): StageOptions {
  return {
    stageName: configuration.stageName,
    accessLogDestination: new LogGroupLogDestination(serviceLogs(scope, "AccessLog", configuration)),
    accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLogLine)),
    loggingLevel: MethodLoggingLevel.ERROR,
    dataTraceEnabled: false,
    tracingEnabled: true,
    throttlingRateLimit: requestsPerSecond,
    throttlingBurstLimit: requestsAtOnce,
  };
}
