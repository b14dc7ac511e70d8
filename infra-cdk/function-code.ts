import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { type BuildOptions, buildSync } from "esbuild";

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** How each function is bundled: for the runtime's Node, with all that it needs in one file. */
export const bundleOptions: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  // Loads in three quarters of the time that an ES module takes: for its imports Node makes a facade of each of its own
  // modules, with all that they export.
  format: "cjs",
  // CommonJS has no such thing, and what takes a URL of a file here (`createRequire`) takes its path as well.
  define: { "import.meta.url": "__filename" },
  minify: true,
  // The SDK too: the runtime's own is of another version than the one that was tested, and slower to load.
  external: [],
  mainFields: ["module", "main"],
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

/** Bundles a function, with its files, into `index.js` of the folder: where no package.json says otherwise, CommonJS. */
export function bundleFunction({ file, files = [], before }: CodeOptions, folder: string): void {
  const inject = before === undefined ? [] : [fromRoot(before)];
  buildSync({ ...bundleOptions, inject, entryPoints: [fromRoot(file)], outfile: join(folder, "index.js") });
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
