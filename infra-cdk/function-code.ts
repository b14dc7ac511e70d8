import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { type BuildOptions, buildSync } from "esbuild";

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const options: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  minify: true,
  // The SDK too: the runtime's own is of another version than the one that was tested, and slower to load.
  external: [],
  mainFields: ["module", "main"],
  // Some dependencies are CommonJS and require Node's own modules.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "warning",
};

export interface CodeOptions {
  /** The source file, which exports `handler`. */
  readonly file: string;
  /** What it reads when it runs, at the same paths as here. */
  readonly files?: readonly string[];
  /** A source file that runs before it. */
  readonly before?: string;
}

/** Bundles a function, with its files, into `index.mjs` of the folder. */
export function bundleFunction({ file, files = [], before }: CodeOptions, folder: string): void {
  const inject = before === undefined ? [] : [fromRoot(before)];
  buildSync({ ...options, inject, entryPoints: [fromRoot(file)], outfile: join(folder, "index.mjs") });
  for (const path of files) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    copyFileSync(fromRoot(path), join(folder, path));
  }
}

/**
 * A function's code, bundled by esbuild in this process: CDK's own construct for it starts npx for each function, which
 * takes half of a synth's time, and would turn to Docker where esbuild fails.
 */
export function functionCode(code: CodeOptions): Code {
  function tryBundle(folder: string): boolean {
    bundleFunction(code, folder);
    return true;
  }
  // An image is asked for, and never used. The command is what tells one bundle from another of the same folder.
  const docker = { image: DockerImage.fromRegistry("none"), command: ["esbuild", JSON.stringify(code)] };
  return Code.fromAsset(dirname(fromRoot(code.file)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: { ...docker, local: { tryBundle } },
  });
}
