import { Duration, RemovalPolicy } from "aws-cdk-lib";
import {
  AuthorizationType,
  EndpointType,
  IdentitySource,
  JsonSchemaType,
  LambdaIntegration,
  type MethodOptions,
  RequestAuthorizer,
  ResponseTransferMode,
  RestApi,
} from "aws-cdk-lib/aws-apigateway";
import { Construct } from "constructs";
import { eventStreamSeconds, keyCacheSeconds } from "../core/limits.ts";
import { handlerFile } from "../openapi/handler-file.ts";
import type { Route } from "../openapi/route.ts";
import { type RouteName, routeNames, routes } from "../openapi/routes.ts";
import { stageOptions } from "./api-stage.ts";
import type { Configuration } from "./configuration.ts";
import { addGatewayResponses } from "./gateway-responses.ts";
import { type Functions, serviceFunction } from "./service-function.ts";
import { serviceLogs } from "./service-logs.ts";
import { traceSomeRequests } from "./tracing.ts";

/** API Gateway waits 29 s for a buffered answer. A function that outlasts it is told by the gateway, as 504. */
const bufferedSeconds = 30;
/** The stream ends itself before. */
const streamedSeconds = eventStreamSeconds + 30;
/** A stream is paid by memory and time, and waits nearly all of it. */
const streamedMemoryMiB = 256;

/** Read by the documentation's page; from its package, so that it needs no other host. */
const documentationFiles = ["swagger-ui.css", "swagger-ui-bundle.js"].map(
  (file) => `node_modules/swagger-ui-dist/${file}`,
);

/** The API: a method and a function for each row of the route table. */
export class Api extends Construct {
  readonly rest: RestApi;

  constructor(scope: Construct, id: string, functions: Functions) {
    super(scope, id);
    this.rest = new RestApi(this, "Rest", {
      restApiName: functions.configuration.stackName,
      description: "omx-web: teams of coding agents on a git repository",
      endpointTypes: [EndpointType.REGIONAL],
      // A setting of the account and its region, without which API Gateway writes no log of any API: it stays.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      deployOptions: stageOptions(this, functions.configuration),
    });
    // Named after this construct; the stack has one with a name of its own.
    this.rest.node.tryRemoveChild("Endpoint");
    addGatewayResponses(this.rest);
    this.keepErrorLog(functions.configuration);
    // MiniStack knows no such resource.
    if (!functions.configuration.emulator) traceSomeRequests(this, functions.configuration);
    const guarded = this.guarded(functions);
    const requestValidator = this.rest.addRequestValidator("Validator", {
      validateRequestParameters: true,
      validateRequestBody: true,
    });
    const body = this.rest.addModel("Body", {
      contentType: "application/json",
      schema: { type: JsonSchemaType.OBJECT },
    });
    for (const name of routeNames) {
      const route: Route = routes[name];
      const access = route.public ? { authorizationType: AuthorizationType.NONE } : guarded;
      const resource = this.rest.root.resourceForPath(route.path);
      resource.addMethod(route.method, this.integration(name, functions), {
        ...access,
        operationName: name,
        requestValidator,
        requestParameters: parametersOf(route),
        ...(route.body && { requestModels: { "application/json": body } }),
      });
    }
  }

  /** API Gateway would make this group itself, and keep its lines for ever. */
  private keepErrorLog(configuration: Configuration): void {
    const logGroupName = `API-Gateway-Execution-Logs_${this.rest.restApiId}/${configuration.stageName}`;
    this.rest.deploymentStage.node.addDependency(serviceLogs(this, "ErrorLog", configuration, { logGroupName }));
  }

  private guarded(functions: Functions): MethodOptions {
    const handler = serviceFunction(this, "authorizer", functions, {
      code: { file: "functions/authorizer.ts" },
      description: "Tell whose key a request bears",
      timeout: Duration.seconds(10),
      isTraced: true,
    });
    const authorizer = new RequestAuthorizer(this, "Keys", {
      handler,
      identitySources: [IdentitySource.header("Authorization")],
      resultsCacheTtl: Duration.seconds(keyCacheSeconds),
    });
    return { authorizer, authorizationType: AuthorizationType.CUSTOM };
  }

  private integration(name: RouteName, functions: Functions): LambdaIntegration {
    const { streams, summary }: Route = routes[name];
    const { emulator, maxEventReaders } = functions.configuration;
    const handler = serviceFunction(this, name, functions, {
      code: {
        file: handlerFile(name),
        ...(name === "getDocsAsset" && { files: documentationFiles }),
        // MiniStack's Lambda knows no streaming, and its API takes such an integration for one of another function.
        ...(streams && emulator && { before: "infra-cdk/emulated-lambda.ts" }),
      },
      description: summary,
      timeout: Duration.seconds(streams ? streamedSeconds : bufferedSeconds),
      ...(streams && { memoryMiB: streamedMemoryMiB, atOnce: maxEventReaders }),
      isTraced: true,
    });
    return new LambdaIntegration(handler, {
      allowTestInvoke: false,
      ...(streams &&
        !emulator && {
          responseTransferMode: ResponseTransferMode.STREAM,
          timeout: Duration.seconds(streamedSeconds),
        }),
    });
  }
}

/** What is in the path is there; the functions look at the rest, and say what is wrong with it. */
function parametersOf({ params, query }: Route): Record<string, boolean> {
  const inPath = Object.keys(params?.shape ?? {}).map((name) => [`method.request.path.${name}`, true]);
  const inQuery = Object.keys(query?.shape ?? {}).map((name) => [`method.request.querystring.${name}`, false]);
  return Object.fromEntries([...inPath, ...inQuery]);
}
