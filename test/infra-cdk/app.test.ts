import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { APIGatewayProxyResult } from "aws-lambda";
import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { bundleFunction } from "../../infra-cdk/function-code.ts";
import { installAwsLambdaGlobal } from "../../local/gateway/response-streaming.ts";
import { handlerFile } from "../../openapi/handler-file.ts";
import { routeNames } from "../../openapi/routes.ts";
import { imageUri } from "../helpers/synthesized-template.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = await mkdtempDisposable(join(tmpdir(), "omx-web-app-"));
afterAll(() => folder.remove());

/** The app as the CDK CLI starts it, with nothing else on its PATH than Node and what every system has. */
function app(context: Record<string, unknown>, outdir: string) {
  const PATH = [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  const environment = { PATH, HOME: folder.path, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(context) };
  return execa(process.execPath, ["infra-cdk/app.ts"], {
    cwd: root,
    env: environment,
    extendEnv: false,
    reject: false,
  });
}

/** Where each function's bundle is. */
async function bundlesIn(outdir: string): Promise<Map<string, string>> {
  const Bundled = z.object({ Code: z.object({ S3Key: z.string() }) });
  const Resources = z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown().optional() }));
  const text = await readFile(join(outdir, "omx-web-prod.template.json"), "utf8");
  const resources = Object.entries(z.object({ Resources }).parse(JSON.parse(text)).Resources);
  const functions = resources.filter(([, { Type }]) => Type === "AWS::Lambda::Function");
  return new Map(
    functions.map(([id, { Properties }]) => {
      const { S3Key } = Bundled.parse(Properties).Code;
      return [id.slice(0, -8), join(outdir, `asset.${S3Key.replace(/\.zip$/, "")}`, "index.js")];
    }),
  );
}

/** Lambda's runtime has it before any function is loaded. */
installAwsLambdaGlobal();

type Handler = (event: unknown, context: unknown) => Promise<APIGatewayProxyResult>;

async function handlerOf(file: string | undefined): Promise<Handler> {
  const { handler } = (await import(pathToFileURL(file ?? "none").href)) as { handler: Handler };
  return handler;
}

describe("the app", () => {
  const outdir = join(folder.path, "cdk.out");
  const synthesized = app({ imageUri }, outdir);

  test("synthesizes without Docker, an account or a region", async () => {
    const { exitCode, stderr } = await synthesized;

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("rror") });
  });

  test("bundles each function by itself into one file that Lambda can load", async () => {
    await synthesized;
    const byFunction = await bundlesIn(outdir);

    const expected = [...routeNames.map((name) => `Api${name}`), "Apiauthorizer", "Backgroundreconcile"];
    expect([...byFunction.keys()].toSorted()).toEqual(expected.toSorted());
    expect(new Set(byFunction.values()).size).toBe(byFunction.size);
    for (const file of byFunction.values()) expect(await handlerOf(file), file).toBeTypeOf("function");
  });

  test("puts beside the documentation's function the files that it answers with", async () => {
    await synthesized;
    const handler = await handlerOf((await bundlesIn(outdir)).get("ApigetDocsAsset"));
    const pathParameters = { file: "swagger-ui-bundle.js" };
    const event = { path: "/docs/swagger-ui-bundle.js", pathParameters, requestContext: { requestId: "r-1" } };

    const { statusCode, body } = await handler(event, {});

    expect(statusCode).toBe(200);
    expect(body).toContain("SwaggerUIBundle");
  });

  test("lets a streaming function answer as one where the Lambda is an emulator's that knows no streaming", async () => {
    const code = { file: handlerFile("listJobEvents"), before: "infra-cdk/emulated-lambda.ts" };
    bundleFunction(code, folder.path);
    const script =
      "import(process.argv[1]).then(async ({ handler }) => console.log(JSON.stringify(await handler(JSON.parse(process.argv[2]), {}))))";
    const event = JSON.stringify({ path: "/v1/jobs/1/events", headers: {}, requestContext: { requestId: "r-1" } });
    const env = { TABLE_NAME: "t", QUEUE_URL: "q", CLUSTER: "c", TASK_DEFINITION: "d", AWS_REGION: "us-east-1" };

    const { stdout } = await execa(process.execPath, ["--eval", script, "--", join(folder.path, "index.js"), event], {
      env,
    });

    expect(JSON.parse(stdout)).toMatchObject({
      statusCode: 401,
      headers: { "Content-Type": "application/problem+json" },
      body: expect.stringContaining('"code":"unauthorized"'),
    });
  });

  test("says in one sentence what is wrong with its configuration, and synthesizes nothing", async () => {
    const { exitCode, stderr } = await app({ runnerSize: "xxl" }, join(folder.path, "none"));

    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'The context\'s runnerSize must be s, m, l or xl, and not "xxl": set it in cdk.json or by -c runnerSize=….',
    );
  });
});
