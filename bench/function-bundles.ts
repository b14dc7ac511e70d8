import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundleFunction, bundleOptions } from "../infra-cdk/function-code.ts";
import { handlerFile } from "../openapi/handler-file.ts";
import type { RouteName } from "../openapi/routes.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

export type FunctionName = RouteName | "authorizer" | "reconcile";

/** The SDK clients that each function's work takes; none where it answers by itself. */
const clientsOf: Readonly<Record<FunctionName, readonly string[]>> = {
  createJob: ["dynamo", "sqs", "ecs"],
  retryJob: ["dynamo", "sqs", "ecs"],
  attachJob: ["dynamo", "ecs"],
  cancelJob: ["dynamo"],
  getJob: ["dynamo"],
  listJobs: ["dynamo"],
  listJobEvents: ["dynamo"],
  getHealth: [],
  getOpenapi: [],
  getDocs: [],
  getDocsAsset: [],
  authorizer: ["dynamo"],
  reconcile: ["dynamo", "ecs"],
};

/** Where the bare ones are that `bare-functions.ts` does not have. */
const bareFiles: Partial<Readonly<Record<FunctionName, string>>> = {
  createJob: "bare-handlers.ts",
  getJob: "bare-handlers.ts",
  listJobEvents: "bare-handlers.ts",
};

/** A function, bundled as it is deployed, beside a bare one that does the same work by the same SDK calls. */
export interface BundledFunction {
  readonly name: FunctionName;
  readonly clients: readonly string[];
  readonly own: Bundle;
  readonly bare: Bundle;
}

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
}

export async function bundleFunctions(directory: string): Promise<BundledFunction[]> {
  const names = Object.keys(clientsOf) as FunctionName[];
  return Promise.all(
    names.map(async (name) => {
      const folders = { own: join(directory, "own", name), bare: join(directory, "bare", name) };
      await mkdir(folders.own, { recursive: true });
      bundleFunction({ file: fileOf(name) }, folders.own);
      await bundleBare(name, folders.bare);
      return { name, clients: clientsOf[name], own: await bundleIn(folders.own), bare: await bundleIn(folders.bare) };
    }),
  );
}

function fileOf(name: FunctionName): string {
  if (name === "authorizer") return "functions/authorizer.ts";
  return name === "reconcile" ? "functions/background/reconcile.ts" : handlerFile(name);
}

async function bundleBare(name: FunctionName, folder: string): Promise<void> {
  const file = bareFiles[name] ?? "bare-functions.ts";
  const contents = clientsOf[name].length > 0 ? `export { ${name} as handler } from "./${file}";` : empty;
  await build({ ...bundleOptions, stdin: { contents, resolveDir: here }, outfile: join(folder, "index.js") });
}

const empty = 'export const handler = async () => ({ statusCode: 200, body: "{}" });';

async function bundleIn(folder: string): Promise<Bundle> {
  const path = join(folder, "index.js");
  return { path, bytes: (await stat(path)).size };
}
