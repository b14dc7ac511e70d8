import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { handlerFile } from "../openapi/handler-file.ts";
import type { RouteName } from "../openapi/routes.ts";

const project = fileURLToPath(new URL("..", import.meta.url));

type FunctionName = RouteName | "authorizer" | "reconcile";

/** The SDK commands that each function's work takes; none where it answers by itself. */
const sdkOf: Readonly<Record<FunctionName, readonly Client[]>> = {
  createJob: ["dynamo", "sqs", "ecs"],
  retryJob: ["dynamo", "sqs", "ecs"],
  attachJob: ["dynamo", "ecsExec"],
  cancelJob: ["dynamo"],
  getJob: ["dynamo"],
  listJobs: ["dynamo"],
  listJobEvents: ["dynamo"],
  getHealth: [],
  getOpenapi: [],
  getDocs: [],
  getDocsAsset: [],
  authorizer: ["dynamo"],
  reconcile: ["dynamo", "sqs", "ecs", "ecsTasks"],
};

const files: Partial<Readonly<Record<FunctionName, string>>> = {
  authorizer: "functions/authorizer.ts",
  reconcile: "functions/background/reconcile.ts",
};

function fileOf(name: FunctionName): string {
  return files[name] ?? handlerFile(name as RouteName);
}

type Client = keyof typeof sources;

/** What a bare handler writes to have a client and call it. Made at the first request, as in our functions. */
const sources = {
  dynamo: {
    imports: `import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";`,
    calls: `const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  for (const Command of [GetCommand, PutCommand, QueryCommand, UpdateCommand]) await dynamo.send(new Command(event));`,
  },
  sqs: {
    imports: 'import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";',
    calls: "await new SQSClient({}).send(new SendMessageCommand(event));",
  },
  ecs: {
    imports: 'import { ECSClient, RunTaskCommand } from "@aws-sdk/client-ecs";',
    calls: "await new ECSClient({}).send(new RunTaskCommand(event));",
  },
  ecsTasks: {
    imports: 'import { DescribeTasksCommand, paginateListTasks, StopTaskCommand } from "@aws-sdk/client-ecs";',
    calls: `const client = new ECSClient({});
  for await (const page of paginateListTasks({ client }, event)) await client.send(new DescribeTasksCommand(page));
  await client.send(new StopTaskCommand(event));`,
  },
  ecsExec: {
    imports: 'import { ECSClient, ExecuteCommandCommand } from "@aws-sdk/client-ecs";',
    calls: "await new ECSClient({}).send(new ExecuteCommandCommand(event));",
  },
} as const;

/** A function, bundled as for Lambda, beside a bare one with the same SDK clients. */
export interface BundledFunction {
  readonly name: FunctionName;
  readonly clients: readonly Client[];
  readonly own: Bundle;
  readonly bare: Bundle;
}

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
}

export async function bundleFunctions(directory: string): Promise<BundledFunction[]> {
  const names = Object.keys(sdkOf) as FunctionName[];
  await mkdir(join(directory, "bare"), { recursive: true });
  return Promise.all(
    names.map(async (name) => {
      const clients = sdkOf[name];
      const own = await bundle({ entryPoints: [join(project, fileOf(name))] }, join(directory, "own", `${name}.mjs`));
      const stdin = { contents: bareSource(clients), resolveDir: project };
      const bare = await bundle({ stdin }, join(directory, "bare", `${name}.mjs`));
      return { name, clients, own, bare };
    }),
  );
}

function bareSource(clients: readonly Client[]): string {
  const imports = clients.map((client) => sources[client].imports);
  const calls = clients.map((client) => sources[client].calls);
  const handler = `export async function handler(event) {\n  ${calls.join("\n  ")}\n  return { statusCode: 200, body: "{}" };\n}`;
  return [...imports, handler].join("\n");
}

async function bundle(entry: object, outfile: string): Promise<Bundle> {
  await build({
    ...entry,
    ...{ outfile, bundle: true, minify: true, platform: "node", target: "node24", format: "esm" },
    mainFields: ["module", "main"],
    // Some dependencies are CommonJS and require Node's own modules.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return { path: outfile, bytes: (await stat(outfile)).size };
}
