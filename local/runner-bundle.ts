import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = (path: string) => fileURLToPath(new URL(`../runner/${path}`, import.meta.url));

/**
 * Bundles the runner into one file, which starts several times faster than its sources do, and puts the pane wrapper
 * where that file looks for it. Answers the file's path.
 */
export async function bundleRunner(directory: string): Promise<string> {
  const outfile = join(directory, "runner", "main.mjs");
  await mkdir(join(directory, "pane"), { recursive: true });
  await copyFile(source("pane/pane-wrapper.pl"), join(directory, "pane", "pane-wrapper.pl"));
  await build({
    entryPoints: [source("main.ts")],
    // Names of modules are relative to it: the same file comes out wherever this runs.
    absWorkingDir: source(".."),
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // Less to read is sooner ready; names are kept, for the stacks in the log.
    minifySyntax: true,
    minifyWhitespace: true,
    mainFields: ["module", "main"],
    // Some dependencies are CommonJS and require Node's own modules.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return outfile;
}
