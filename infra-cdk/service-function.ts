import type { Duration } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type * as z from "zod";
import type { FunctionEnvironment } from "../adapters/environment.ts";
import type { Configuration } from "./configuration.ts";
import { type CodeOptions, functionCode } from "./function-code.ts";
import { type FunctionName, permissions, type Resources } from "./permissions.ts";

/** What all functions share. */
export interface Functions extends Resources {
  readonly configuration: Configuration;
  readonly logs: ILogGroup;
}

interface FunctionOptions {
  readonly code: CodeOptions;
  readonly description: string;
  readonly timeout: Duration;
  readonly memoryMiB?: number;
  /** Of it, no more than so many run at once; 0 sets no limit. */
  readonly atOnce?: number;
  /** What is not called by a request would be traced each time. */
  readonly isTraced?: true;
}

/**
 * A Lambda gets its share of a processor by its memory, and a cold start is all processor: with half of this it takes
 * twice as long and costs the same.
 */
const defaultMemoryMiB = 512;

/** A function with a role of its own, that may do what its row of `permissions` says. */
export function serviceFunction(
  scope: Construct,
  name: FunctionName,
  functions: Functions,
  options: FunctionOptions,
): LambdaFunction {
  const role = new Role(scope, `${name}Role`, {
    assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    description: `What the function ${name} may do`,
  });
  functions.logs.grantWrite(role);
  const granted = permissions[name].map((permission) => permission(functions));
  for (const statement of granted) role.addToPolicy(statement);
  return new LambdaFunction(scope, name, {
    role,
    code: functionCode(options.code),
    handler: "index.handler",
    description: options.description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: options.memoryMiB ?? defaultMemoryMiB,
    timeout: options.timeout,
    ...(options.atOnce && { reservedConcurrentExecutions: options.atOnce }),
    logGroup: functions.logs,
    ...(options.isTraced && { tracing: Tracing.ACTIVE }),
    // What may do nothing needs to know nothing.
    environment: granted.length === 0 ? {} : functionEnvironment(functions),
  });
}

function functionEnvironment({ configuration, storage, hints, runners }: Functions) {
  return {
    TABLE_NAME: storage.table.tableName,
    QUEUE_URL: hints.queue.queueUrl,
    RETENTION_DAYS: String(configuration.retentionDays),
    METRICS_NAMESPACE: configuration.stackName,
    CLUSTER: runners.cluster.clusterName,
    TASK_DEFINITION: runners.family,
    SUBNETS: runners.network.subnetIds.join(","),
    SECURITY_GROUPS: runners.network.securityGroup.securityGroupId,
    ASSIGN_PUBLIC_IP: runners.network.assignsPublicIp ? "1" : "0",
    GIT_BASE_URL: configuration.gitBaseUrl,
    REPOSITORY_ALLOW_LIST: configuration.repositoryAllowList.join(","),
    MAX_CONCURRENT_JOBS: String(configuration.maxConcurrentJobs),
    MAX_QUEUED_JOBS: String(configuration.maxQueuedJobs),
    WARM_RUNNERS: String(configuration.warmRunners),
  } satisfies Required<z.input<typeof FunctionEnvironment>>;
}
