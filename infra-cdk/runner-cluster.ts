import { Duration, RemovalPolicy, Size, Stack } from "aws-cdk-lib";
import {
  AwsLogDriverMode,
  Cluster,
  ContainerInsights,
  CpuArchitecture,
  ExecuteCommandLogging,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  Secret,
} from "aws-cdk-lib/aws-ecs";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import type * as z from "zod";
import type { RunnerEnvironment } from "../adapters/environment.ts";
import { attachProgram, runnerContainer } from "../adapters/runner-container.ts";
import { warmRunnerSeconds } from "../core/limits.ts";
import type { Configuration } from "./configuration.ts";
import type { HintQueue } from "./hint-queue.ts";
import { Network } from "./network.ts";
import { runnerPermissions } from "./permissions.ts";
import { runnerImage } from "./runner-image.ts";
import { serviceLogs } from "./service-logs.ts";
import type { Storage } from "./storage.ts";

/** Shares of a processor (1024 is one), memory, and where the 20 GiB that cost nothing are too few for a build, disk. */
const runnerSizes = {
  s: { cpu: 512, memoryLimitMiB: 2_048 },
  m: { cpu: 1_024, memoryLimitMiB: 4_096 },
  l: { cpu: 2_048, memoryLimitMiB: 8_192, ephemeralStorageGiB: 50 },
  xl: { cpu: 4_096, memoryLimitMiB: 16_384, ephemeralStorageGiB: 50 },
} as const satisfies Record<Configuration["runnerSize"], object>;

const architectures = {
  arm64: CpuArchitecture.ARM64,
  x86: CpuArchitecture.X86_64,
} as const satisfies Record<Configuration["architecture"], CpuArchitecture>;

/** The most that Fargate grants between SIGTERM and SIGKILL: time to hand the job back. */
const stopSeconds = 120;

interface WorksWith {
  readonly storage: Storage;
  readonly hints: HintQueue;
}

/** Where runners run: the cluster, and the task definition that is launched. */
export class RunnerCluster extends Construct {
  readonly cluster: Cluster;
  readonly network: Network;
  readonly logs: ILogGroup;
  /** What a launch names: each deploy adds a revision to the family, and running jobs keep theirs. */
  readonly family: string;
  readonly taskRole: Role;
  readonly executionRole: Role;

  constructor(scope: Construct, id: string, configuration: Configuration, worksWith: WorksWith) {
    super(scope, id);
    this.family = `${Stack.of(this).stackName}-runner`;
    this.network = new Network(this, "Network", configuration, worksWith.storage);
    this.cluster = new Cluster(this, "Cluster", {
      vpc: this.network.vpc,
      // As the family is named: what people type, and what stands in for ECS beside an emulator, knows it beforehand.
      clusterName: Stack.of(this).stackName,
      containerInsightsV2: ContainerInsights.DISABLED,
      // What a session shows are the panes, whose bytes are the job's events.
      executeCommandConfiguration: { logging: ExecuteCommandLogging.NONE },
    });
    const assumedBy = new ServicePrincipal("ecs-tasks.amazonaws.com");
    this.taskRole = new Role(this, "TaskRole", { assumedBy, description: "What a runner may do" });
    this.executionRole = new Role(this, "ExecutionRole", {
      assumedBy,
      description: "What ECS may do to start a runner",
    });
    for (const statement of runnerPermissions(worksWith)) this.taskRole.addToPolicy(statement);
    this.logs = serviceLogs(this, "Logs", configuration);
    this.defineTask(configuration, worksWith);
  }

  private defineTask(configuration: Configuration, { storage, hints }: WorksWith): void {
    const task = new FargateTaskDefinition(this, "Task", {
      ...runnerSizes[configuration.runnerSize],
      family: this.family,
      taskRole: this.taskRole,
      executionRole: this.executionRole,
      runtimePlatform: {
        cpuArchitecture: architectures[configuration.architecture],
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    // A revision that is replaced stays registered: tasks may be starting from it.
    task.applyRemovalPolicy(RemovalPolicy.RETAIN);
    task.addContainer(runnerContainer, {
      image: runnerImage(this, configuration),
      stopTimeout: Duration.seconds(stopSeconds),
      linuxParameters: new LinuxParameters(this, "Linux", { initProcessEnabled: true }),
      // A runner does not wait for its log: what must not be lost is in the table.
      logging: LogDrivers.awsLogs({
        logGroup: this.logs,
        streamPrefix: "runner",
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(4),
      }),
      environment: {
        TABLE_NAME: storage.table.tableName,
        QUEUE_URL: hints.queue.queueUrl,
        RETENTION_DAYS: String(configuration.retentionDays),
        METRICS_NAMESPACE: configuration.stackName,
        GIT_BASE_URL: configuration.gitBaseUrl,
        ATTACH_COMMAND: this.attachCommand(),
        // All of them: one whose job was taken by another takes the other's place.
        ...(configuration.warmRunners > 0 && { IDLE_SECONDS: String(warmRunnerSeconds) }),
      } satisfies Partial<z.input<typeof RunnerEnvironment>>,
      secrets: this.secrets(configuration) satisfies Partial<Record<keyof RunnerEnvironment, Secret>>,
    });
  }

  /** To be pasted by who may execute commands in the cluster; everybody else asks the API for a way in. */
  private attachCommand(): string {
    const { region } = Stack.of(this);
    const where = `--region ${region} --cluster ${this.cluster.clusterName} --task {task} --container ${runnerContainer}`;
    return `aws ecs execute-command ${where} --interactive --command ${attachProgram}`;
  }

  /** Put in by ECS when a task starts, so that neither the template nor the task definition holds it. */
  private secrets({ gitTokenParameter }: Configuration): { GIT_TOKEN?: Secret } {
    if (gitTokenParameter === undefined) return {};
    const parameterName = gitTokenParameter;
    const parameter = StringParameter.fromSecureStringParameterAttributes(this, "GitToken", { parameterName });
    return { GIT_TOKEN: Secret.fromSsmParameter(parameter) };
  }
}
