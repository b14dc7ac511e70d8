import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import * as z from "zod";
import { readConfiguration } from "./configuration.ts";
import { OmxWebStack } from "./omx-web-stack.ts";

const CdkJson = z.object({ context: z.record(z.string(), z.unknown()) });

/**
 * The stack and its template, with `given` beside the context of `cdk.json`, as `cdk synth` makes them but for the
 * functions' code, which is not bundled. Throws `ConfigurationInvalid`.
 */
export function synthesize(given: Readonly<Record<string, unknown>> = {}): { stack: OmxWebStack; template: unknown } {
  const { context } = CdkJson.parse(JSON.parse(readFileSync(new URL("../cdk.json", import.meta.url), "utf8")));
  using folder = mkdtempDisposableSync(join(tmpdir(), "omx-web-cdk-"));
  const app = new App({ outdir: folder.path, context: { ...context, ...given, "aws:cdk:bundling-stacks": [] } });
  const stack = new OmxWebStack(app, readConfiguration(app.node.getAllContext()));
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  return { stack, template };
}
