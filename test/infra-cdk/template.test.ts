import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { FunctionEnvironment, parseEnvironment, RunnerEnvironment } from "../../adapters/environment.ts";
import { synthesize } from "../../infra-cdk/synthesize.ts";
import { Problem } from "../../openapi/problem.ts";
import type { Route } from "../../openapi/route.ts";
import { routeNames, routes } from "../../openapi/routes.ts";
import { imageUri, type Resource, SynthesizedTemplate } from "../helpers/synthesized-template.ts";

const standard = new SynthesizedTemplate();
const text = (value: unknown) => JSON.stringify(value);

/** The environment that a template describes, with a word in the place of each reference. */
function environmentOf(variables: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const joined = z.object({ "Fn::Join": z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(value).data;
  const [separator, parts] = joined?.["Fn::Join"] ?? ["", ["reference"]];
  return parts.map(textOf).join(separator);
}

describe("the checks of AwsSolutions", () => {
  test.each([
    ["by default", {}],
    ["with a NAT gateway", { network: "nat" }],
    ["with a proxy", { network: "proxy" }],
    ["with a token, another image and an alarm address", { gitTokenParameter: "/git", alarmEmail: "a@b.example" }],
    ["with an image of any registry", { imageUri: "docker.io/omx/runner:1" }],
  ])("find nothing that is not acknowledged %s", (_how, given) => {
    const { stack } = synthesize({ imageUri, ...given });

    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);

    expect(violations).toEqual([]);
  });
});

const traces = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"];

describe("the permissions", () => {
  test("name each action in full", () => {
    const actions = standard.statements().flatMap(({ Action }) => Action);

    expect(actions.length).toBeGreaterThan(30);
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
  });

  test("are for every resource only where the action knows none", () => {
    const isTrace = ({ Action }: { Action: string[] }) => text(Action) === text(traces);
    const wide = standard
      .statements()
      .filter((statement) => text(statement.Resource).includes('"*"') && !isTrace(statement));

    expect(standard.statements().filter(isTrace)).toHaveLength(routeNames.length + 1);

    expect(wide.flatMap(({ Action }) => Action).toSorted()).toEqual([
      "ecr:GetAuthorizationToken",
      "ecs:ListTasks",
      ...["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"].map(
        (channel) => `ssmmessages:${channel}`,
      ),
    ]);
    const [list] = wide.filter(({ Action }) => Action.includes("ecs:ListTasks"));
    expect(text(list?.Condition)).toMatch(/ecs:cluster.*RunnersCluster/);
  });

  test("bound every access to the table by its partitions, but for the list of a tenant's jobs", () => {
    const unbound = standard
      .statements()
      .filter(({ Action }) => Action.some((action) => action.startsWith("dynamodb:")))
      .filter(({ Condition }) => Condition["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"] === undefined);

    expect(unbound.map(({ Action, Resource }) => [Action, text(Resource)])).toEqual([
      [["dynamodb:Query"], expect.stringContaining("/index/byTenant")],
    ]);
  });

  test("bound them to partitions that the table has", () => {
    const prefixes = standard
      .statements()
      .flatMap(({ Condition }) => Condition["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"] ?? [])
      .map((key) => String(key).replace(/#.*/, "#"));

    expect([...new Set(prefixes)].toSorted()).toEqual(["EVENTS#", "JOB#", "KEY#", "LIVE#", "REQUEST#", "TENANT#"]);
  });

  test("let nobody read the whole table, or delete of it", () => {
    const actions = new Set(standard.statements().flatMap(({ Action }) => Action));
    const ofTable = [...actions].filter((action) => action.startsWith("dynamodb:")).toSorted();

    expect(ofTable).toEqual(["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"].map((a) => `dynamodb:${a}`));
  });

  test("let only what submits jobs and reconcile launch runners, of the one family and in the one cluster", () => {
    const launching = ["ApicreateJobRole", "ApiretryJobRole", "BackgroundreconcileRole"];
    const all = standard.statements().filter(({ Action }) => Action.includes("ecs:RunTask"));

    expect(all).toHaveLength(launching.length);
    for (const role of launching) {
      const [run, ...others] = standard.statementsOf(role).filter(({ Action }) => Action.includes("ecs:RunTask"));
      expect(others).toEqual([]);
      expect(text(run?.Resource)).toContain(":task-definition/omx-web-prod-runner:*");
      expect(text(run?.Condition)).toMatch(/"ArnEquals":\{"ecs:cluster":\{"Fn::GetAtt":\["RunnersCluster/);
    }
  });

  test("let them pass exactly the runner's two roles, and only to ECS", () => {
    const passing = standard.statements().filter(({ Action }) => Action.includes("iam:PassRole"));

    for (const { Resource, Condition } of passing) {
      expect(text(Resource)).toMatch(
        /^\[\{"Fn::GetAtt":\["RunnersExecutionRole\w+","Arn"\]\},\{"Fn::GetAtt":\["RunnersTaskRole\w+","Arn"\]\}\]$/,
      );
      expect(Condition).toEqual({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    }
    expect(passing).toHaveLength(3);
  });

  test("let a runner launch nothing, send nothing and read no keys", () => {
    const statements = standard.statementsOf("RunnersTaskRole");
    const actions = statements.flatMap(({ Action }) => Action);

    expect(actions.filter((action) => /^(?:ecs|iam|sts|ssm|secretsmanager|logs|s3):/.test(action))).toEqual([]);
    expect(actions).not.toContain("sqs:SendMessage");
    expect(text(statements)).not.toContain("KEY#");
  });

  test("let the public routes do nothing but write their log and traces", () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      if (!route.public) continue;
      const actions = standard.statementsOf(`Api${name}Role`).flatMap(({ Action }) => Action);
      expect(actions).toEqual(["logs:CreateLogStream", "logs:PutLogEvents", ...traces]);
    }
  });
});

describe("the table", () => {
  const { Properties, DeletionPolicy, UpdateReplacePolicy } = standard.only("AWS::DynamoDB::Table");

  test("can be set back to any moment, and drops what has expired", () => {
    expect(Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(Properties.TimeToLiveSpecification).toEqual({ AttributeName: "expiresAt", Enabled: true });
  });

  test("is protected from being deleted, and outlives the stack", () => {
    expect([Properties.DeletionProtectionEnabled, DeletionPolicy, UpdateReplacePolicy]).toEqual([
      true,
      "Retain",
      "Retain",
    ]);
  });

  test("is paid by use", () => {
    expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
  });

  test("goes with the stack where it is said so", () => {
    const table = new SynthesizedTemplate({ keepData: "false" }).only("AWS::DynamoDB::Table");

    expect(table).toMatchObject({ DeletionPolicy: "Delete", Properties: { DeletionProtectionEnabled: false } });
  });
});

describe("the queues", () => {
  const queues = standard.of("AWS::SQS::Queue");

  test("are encrypted, and refuse whoever does not speak TLS", () => {
    expect(queues.map(({ Properties }) => Properties.SqsManagedSseEnabled)).toEqual([true, true]);
    const policies = standard.of("AWS::SQS::QueuePolicy").map(({ Properties }) => text(Properties));
    expect(policies).toHaveLength(2);
    for (const policy of policies) expect(policy).toMatch(/"aws:SecureTransport":"false".*"Effect":"Deny"/);
  });

  test("keep a hint for four days, and put aside what keeps coming back", () => {
    expect(queues[1]?.Properties).toMatchObject({
      MessageRetentionPeriod: 345_600,
      VisibilityTimeout: 30,
      RedrivePolicy: { maxReceiveCount: 20 },
    });
  });
});

describe("the runners", () => {
  const { Properties, DeletionPolicy, UpdateReplacePolicy } = standard.only("AWS::ECS::TaskDefinition");
  const container = containerOf(standard.only("AWS::ECS::TaskDefinition"));

  function containerOf(task: Resource): Record<string, unknown> {
    const [only] = task.Properties.ContainerDefinitions as Record<string, unknown>[];
    return only ?? {};
  }

  test("have two minutes to hand their job back, and an init process that buries orphans", () => {
    expect(container).toMatchObject({ StopTimeout: 120, LinuxParameters: { InitProcessEnabled: true } });
  });

  test("keep their task definition when a deploy brings another", () => {
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
  });

  test("take no connection from outside, and get out over https only", () => {
    const group = standard.only("AWS::EC2::SecurityGroup").Properties;

    expect(group.SecurityGroupIngress).toBeUndefined();
    expect(group.SecurityGroupEgress).toMatchObject([
      { CidrIp: "0.0.0.0/0", FromPort: 443, ToPort: 443, IpProtocol: "tcp" },
    ]);
    expect(standard.of("AWS::EC2::SecurityGroupIngress")).toEqual([]);
    expect(standard.of("AWS::EC2::SecurityGroupEgress")).toEqual([]);
  });

  test("have no NAT gateway by default, and private subnets behind one where it is said so", () => {
    const withNat = new SynthesizedTemplate({ network: "nat" });

    expect(standard.of("AWS::EC2::NatGateway")).toEqual([]);
    expect(withNat.of("AWS::EC2::NatGateway")).toHaveLength(1);
    const environments = withNat
      .of("AWS::Lambda::Function")
      .map(({ Properties: { Environment } }) => text(Environment))
      .filter((environment) => environment?.includes("SUBNETS"));
    expect(environments.length).toBeGreaterThan(0);
    for (const environment of environments) {
      expect(environment).toContain('"ASSIGN_PUBLIC_IP":"0"');
      expect(environment).toContain("PrivateSubnet1");
      expect(environment).not.toContain("PublicSubnet");
    }
  });

  test("reach the table and the image's layers without leaving AWS, at no cost", () => {
    const endpoints = standard
      .of("AWS::EC2::VPCEndpoint")
      .map(({ Properties: { VpcEndpointType } }) => VpcEndpointType);

    expect(endpoints).toEqual(["Gateway", "Gateway"]);
  });

  test("are given an environment that they can work with, and no secret", () => {
    const named = container.Environment as { Name: string; Value: unknown }[];
    const environment = environmentOf(Object.fromEntries(named.map(({ Name, Value }) => [Name, Value])));

    expect(() => parseEnvironment(RunnerEnvironment, { ...environment, PATH: "/bin" })).not.toThrow();
    expect(Object.keys(environment).toSorted()).toEqual([
      "ATTACH_COMMAND",
      "GIT_BASE_URL",
      "METRICS_NAMESPACE",
      "QUEUE_URL",
      "RETENTION_DAYS",
      "TABLE_NAME",
    ]);
    expect(container.Secrets).toBeUndefined();
  });

  test("wait for jobs as long as they may, where some are to be warm", () => {
    const template = new SynthesizedTemplate({ warmRunners: 2 });

    expect(text(containerOf(template.only("AWS::ECS::TaskDefinition")).Environment)).toContain(
      '{"Name":"IDLE_SECONDS","Value":"720"}',
    );
    expect(text(template.of("AWS::Lambda::Function"))).toContain('"WARM_RUNNERS":"2"');
    expect(text(container.Environment)).not.toContain("IDLE_SECONDS");
  });

  test("get the git token from a parameter that only ECS may read", () => {
    const template = new SynthesizedTemplate({ gitTokenParameter: "/omx-web/git-token" });
    const { Secrets } = containerOf(template.only("AWS::ECS::TaskDefinition"));

    expect(text(Secrets)).toMatch(/^\[\{"Name":"GIT_TOKEN","ValueFrom":.*parameter\/omx-web\/git-token/);
    const readers = template.statements().filter(({ Action }) => Action.some((action) => action.startsWith("ssm:")));
    expect(readers).toEqual(
      template.statementsOf("RunnersExecutionRole").filter(({ Action }) => Action.includes("ssm:GetParameters")),
    );
    expect(text(readers[0]?.Resource)).toContain(":parameter/omx-web/git-token");
  });

  test.each([
    ["s", "512", "2048", undefined],
    ["m", "1024", "4096", undefined],
    ["l", "2048", "8192", { SizeInGiB: 50 }],
    ["xl", "4096", "16384", { SizeInGiB: 50 }],
  ])("of the size %s have %s shares of a processor and %s MiB", (runnerSize, Cpu, Memory, EphemeralStorage) => {
    const task = new SynthesizedTemplate({ runnerSize, architecture: "x86" }).only("AWS::ECS::TaskDefinition");

    expect(task.Properties).toMatchObject({ Cpu, Memory, RuntimePlatform: { CpuArchitecture: "X86_64" } });
    expect(task.Properties.EphemeralStorage).toEqual(EphemeralStorage);
  });

  test("are of one family for ever, so that a deploy does not lose sight of those that run", () => {
    expect(Properties.Family).toBe("omx-web-prod-runner");
  });
});

describe("the API", () => {
  const methods = standard.of("AWS::ApiGateway::Method").map(({ Properties }) => Properties);
  const methodOf = (name: string) => methods.find(({ OperationName }) => OperationName === name);

  test("has a method with a function for each route, and no other", () => {
    expect(methods.map(({ OperationName }) => OperationName).toSorted()).toEqual([...routeNames].toSorted());
    for (const name of routeNames)
      expect(text(methodOf(name)?.Integration)).toMatch(new RegExp(`"Fn::GetAtt":\\["Api${name}\\w{8}","Arn"\\]`));
  });

  test("asks the authorizer about every request of a route that is not public", () => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      const expected = route.public
        ? { AuthorizationType: "NONE" }
        : { AuthorizationType: "CUSTOM", AuthorizerId: { Ref: expect.stringMatching(/^ApiKeys/) } };
      expect(methodOf(name)).toMatchObject(expected);
    }
  });

  test("believes the authorizer for a minute, by the whole header", () => {
    expect(standard.only("AWS::ApiGateway::Authorizer").Properties).toMatchObject({
      Type: "REQUEST",
      IdentitySource: "method.request.header.Authorization",
      AuthorizerResultTtlInSeconds: 60,
    });
  });

  test("passes on as it is written what the events' route answers, and nothing else", () => {
    const streaming = methods.filter(({ Integration }) => text(Integration).includes("STREAM"));

    expect(streaming.map(({ OperationName }) => OperationName)).toEqual(["listJobEvents"]);
    expect(streaming[0]?.Integration).toMatchObject({ ResponseTransferMode: "STREAM", TimeoutInMillis: 150_000 });
    expect(text(streaming[0]?.Integration)).toContain("/response-streaming-invocations");
  });

  test("validates requests of every route", () => {
    const { Properties } = standard.only("AWS::ApiGateway::RequestValidator");

    expect(Properties).toMatchObject({ ValidateRequestBody: true, ValidateRequestParameters: true });
    for (const method of methods) expect(method.RequestValidatorId).toBeDefined();
    expect(methods.filter(({ RequestModels }) => RequestModels).map(({ OperationName }) => OperationName)).toEqual(
      routeNames.filter((name) => "body" in routes[name]),
    );
  });

  test("answers with a problem also in the place of a function", () => {
    const responses = standard.of("AWS::ApiGateway::GatewayResponse").map(({ Properties }) => Properties);

    expect(responses).toHaveLength(21);
    for (const { ResponseTemplates, ResponseParameters, StatusCode } of responses) {
      const { "application/json": body } = ResponseTemplates as Record<string, string>;
      expect(Problem.parse(JSON.parse(body ?? "")).status).toBe(Number(StatusCode));
      expect(ResponseParameters).toMatchObject({ "gatewayresponse.header.Content-Type": "'application/problem+json'" });
    }
  });

  test.each([
    ["an unknown path with 404, though API Gateway calls it a missing token", "MISSING_AUTHENTICATION_TOKEN", "404"],
    ["and takes a key there for a signature that is wrong", "INVALID_SIGNATURE", "404"],
    ["a function that is throttled with 503, though API Gateway calls it a mistake", "API_CONFIGURATION_ERROR", "503"],
  ])("answers %s", (_what, type, status) => {
    const responses = standard.of("AWS::ApiGateway::GatewayResponse").map(({ Properties }) => Properties);

    const answer = responses.find(({ ResponseType }) => ResponseType === type);
    expect(answer?.StatusCode).toBe(status);
  });

  test("is regional, throttled, and writes a line of JSON for each request, with no header in it", () => {
    const { Properties } = standard.only("AWS::ApiGateway::Stage");
    const { Format } = Properties.AccessLogSetting as { Format: string };

    expect(standard.only("AWS::ApiGateway::RestApi").Properties.EndpointConfiguration).toEqual({ Types: ["REGIONAL"] });
    expect(Properties.MethodSettings).toMatchObject([
      { DataTraceEnabled: false, LoggingLevel: "ERROR", ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
    ]);
    expect(Object.keys(JSON.parse(Format))).toContain("tenantId");
    expect(Format).not.toMatch(/header|authorization/i);
  });
});

describe("the functions", () => {
  const functions = standard.of("AWS::Lambda::Function").map(({ Properties }) => Properties);

  test("run as often at once as the account lets them, but for the one that streams: it must leave some to the others", () => {
    const bounded = ({ Properties }: Resource) => Properties.ReservedConcurrentExecutions !== undefined;
    const ofStandard = standard.of("AWS::Lambda::Function").filter(bounded);
    const unbounded = new SynthesizedTemplate({ maxEventReaders: 0 });

    expect(ofStandard.map(({ Properties }) => Properties)).toMatchObject([
      { Description: routes.listJobEvents.summary, ReservedConcurrentExecutions: 100 },
    ]);
    expect(unbounded.of("AWS::Lambda::Function").filter(bounded)).toEqual([]);
  });

  test("and the runners keep what they write, and the logs their lines, as long as the configuration says", () => {
    const week = new SynthesizedTemplate({ retentionDays: 7 });

    expect(new Set(week.of("AWS::Logs::LogGroup").map(({ Properties }) => Properties.RetentionInDays))).toEqual(
      new Set([7]),
    );
    expect(text(week.only("AWS::ECS::TaskDefinition"))).toContain('{"Name":"RETENTION_DAYS","Value":"7"}');
    expect(text(week.of("AWS::Lambda::Function")).match(/"RETENTION_DAYS":"7"/g)?.length).toBeGreaterThan(7);
  });
  const environments = functions.flatMap(({ Environment }) =>
    Environment ? [(Environment as { Variables: unknown }).Variables] : [],
  );

  test("are given an environment that they can work with, or none", () => {
    for (const variables of environments)
      expect(() => parseEnvironment(FunctionEnvironment, environmentOf(variables))).not.toThrow();
    const open = routeNames.filter((name) => "public" in routes[name]);
    expect(functions).toHaveLength(routeNames.length + 2);
    expect(environments).toHaveLength(functions.length - open.length);
  });

  test("are told the limits of the configuration", () => {
    const template = new SynthesizedTemplate({
      maxConcurrentJobs: 3,
      maxQueuedJobs: 4,
      gitBaseUrl: "https://git.example/",
    });
    const [some] = template.of("AWS::Lambda::Function").flatMap(({ Properties: { Environment } }) => Environment ?? []);

    expect(some).toMatchObject({
      Variables: { MAX_CONCURRENT_JOBS: "3", MAX_QUEUED_JOBS: "4", GIT_BASE_URL: "https://git.example/" },
    });
  });

  test("run on the newest Node on arm64, each under a role of its own", () => {
    const roles = functions.map(({ Role }) => text(Role));

    for (const { Runtime, Architectures } of functions)
      expect([Runtime, Architectures]).toEqual(["nodejs24.x", ["arm64"]]);
    expect(new Set(roles).size).toBe(functions.length);
  });

  test("write into one log, which is kept as long as the jobs are", () => {
    expect(new Set(functions.map(({ LoggingConfig }) => text(LoggingConfig))).size).toBe(1);
    const groups = standard.of("AWS::Logs::LogGroup");
    expect(groups.map(({ Properties: { RetentionInDays } }) => RetentionInDays)).toEqual(groups.map(() => 30));
  });
});

describe("traces", () => {
  test("are made of one request in twenty, and of nothing else", () => {
    const functions = standard.of("AWS::Lambda::Function").filter(({ Properties }) => Properties.TracingConfig);

    expect(standard.only("AWS::ApiGateway::Stage").Properties.TracingEnabled).toBe(true);
    expect(functions).toHaveLength(routeNames.length + 1);
    expect(functions.map(({ Properties }) => Properties.Description)).not.toContain(
      "Make every job go on that is not settled",
    );
    expect(standard.only("AWS::XRay::SamplingRule").Properties.SamplingRule).toMatchObject({
      ...{ FixedRate: 0.05, ReservoirSize: 0, ServiceName: "omx-web-prod/prod" },
    });
  });
});

describe("what happens without a request", () => {
  const rules = standard.of("AWS::Events::Rule").map(({ Properties }) => Properties);

  test("happens each minute, and whenever a container of the cluster has ended", () => {
    expect(rules).toMatchObject([
      { ScheduleExpression: "rate(1 minute)" },
      {
        EventPattern: {
          source: ["aws.ecs"],
          "detail-type": ["ECS Task State Change"],
          detail: {
            clusterArn: [{ "Fn::GetAtt": [expect.stringMatching(/^RunnersCluster/), "Arn"] }],
            desiredStatus: ["STOPPED"],
            lastStatus: ["DEPROVISIONING", "STOPPED"],
          },
        },
      },
    ]);
    for (const { Targets } of rules) expect(text(Targets)).toContain("Backgroundreconcile");
  });

  test("is not tried again: the next minute does", () => {
    expect(standard.only("AWS::Lambda::EventInvokeConfig").Properties).toMatchObject({ MaximumRetryAttempts: 0 });
  });
});

describe("the alarms", () => {
  const alarms = standard.of("AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);

  test("are told to the topic, which takes TLS only", () => {
    expect(alarms).toHaveLength(12);
    for (const { AlarmActions, AlarmDescription } of alarms) {
      expect(AlarmActions).toEqual([{ Ref: expect.stringMatching(/^ObservabilityAlarms/) }]);
      expect(AlarmDescription).toMatch(/\. What to do: /);
    }
    expect(text(standard.only("AWS::SNS::TopicPolicy"))).toMatch(/"aws:SecureTransport":"false".*"Effect":"Deny"/);
  });

  test("may tell the topic, those of this account alone: a policy takes the place of the one that would let them", () => {
    const { PolicyDocument } = standard.only("AWS::SNS::TopicPolicy").Properties;
    const { Statement } = PolicyDocument as { Statement: Record<string, unknown>[] };

    expect(Statement.filter(({ Effect }) => Effect === "Allow")).toMatchObject([
      {
        Action: "sns:Publish",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
      },
    ]);
  });

  test("take silence of reconcile for the worst, and any other silence for none", () => {
    const loud = alarms.filter(({ TreatMissingData }) => TreatMissingData === "breaching");

    expect(loud).toMatchObject([
      {
        Namespace: "omx-web-prod",
        MetricName: "JobsWaiting",
        Statistic: "SampleCount",
        EvaluationPeriods: 5,
        Period: 60,
      },
    ]);
  });

  test("look where functions and runners of this deployment write, and no other's", () => {
    const given = text(standard.of("AWS::Lambda::Function")) + text(standard.of("AWS::ECS::TaskDefinition"));
    const namespaces = alarms.map(({ Namespace }) => Namespace).filter((name) => !String(name).startsWith("AWS/"));

    expect(new Set(namespaces)).toEqual(new Set(["omx-web-prod", undefined]));
    expect(given).toContain('"METRICS_NAMESPACE":"omx-web-prod"');
    expect(given).toContain('{"Name":"METRICS_NAMESPACE","Value":"omx-web-prod"}');
  });

  test("look at each operation of the table that anybody may call", () => {
    const policies = [...standard.of("AWS::IAM::Policy"), ...standard.of("AWS::IAM::Role")].map(text).join();
    const allowed = new Set([...policies.matchAll(/"dynamodb:(\w+)"/g)].map(([, operation]) => operation));
    const watched = alarms
      .filter(({ Metrics }) => text(Metrics ?? []).includes('"SystemErrors"'))
      .map(text)
      .join();

    expect(allowed).toContain("BatchGetItem");
    for (const operation of allowed) {
      if (operation !== "LeadingKeys") expect(watched).toContain(`{"Name":"Operation","Value":"${operation}"}`);
    }
  });

  test("go to the address that was given", () => {
    const template = new SynthesizedTemplate({ alarmEmail: "on-call@example.com" });

    expect(template.only("AWS::SNS::Subscription").Properties).toMatchObject({
      Protocol: "email",
      Endpoint: "on-call@example.com",
    });
    expect(standard.of("AWS::SNS::Subscription")).toEqual([]);
  });
});

describe("for an emulator", () => {
  const emulated = new SynthesizedTemplate({ emulator: "true" });

  test("nothing is there that MiniStack rolls a stack back for", () => {
    const refused =
      /^AWS::(?:ECS::ClusterCapacityProviderAssociations|EC2::(?:NatGateway|EIP|FlowLog|SecurityGroup(?:E|In)gress)|Logs::(?:MetricFilter|QueryDefinition)|CloudWatch::CompositeAlarm|WAFv2|Budgets)/;

    expect(Object.values(emulated.resources).filter(({ Type }) => refused.test(Type))).toEqual([]);
    expect(emulated.of("AWS::CloudWatch::Alarm").filter(({ Properties }) => Properties.Metrics)).toEqual([]);
    expect(text(emulated.template)).not.toContain("STREAM");
  });

  test("all else is the same", () => {
    const types = (template: SynthesizedTemplate) => Object.values(template.resources).map(({ Type }) => Type);
    const missing = [...new Set(types(standard))].filter((type) => !types(emulated).includes(type));

    expect(missing).toEqual(["AWS::EC2::FlowLog", "AWS::XRay::SamplingRule"]);
    expect(emulated.of("AWS::Lambda::Function")).toHaveLength(standard.of("AWS::Lambda::Function").length);
  });
});

describe("the committed template", () => {
  test("is what the app synthesizes; else look at the difference, and write it anew by `vitest -u`", async () => {
    const withoutHashes = text(standard.template)
      .replaceAll(/[0-9a-f]{64}/g, "<hash>")
      .replaceAll(/(Deployment)\w{8}[0-9a-f]{32}/g, "$1<hash>");

    await expect(stringify(JSON.parse(withoutHashes), { lineWidth: 0 })).toMatchFileSnapshot("template.snapshot.yaml");
  });
});
