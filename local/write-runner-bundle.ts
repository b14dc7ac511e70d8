import { bundleRunner } from "./runner-bundle.ts";

/** Bundles the runner into the folder that is named, for its image: `node local/write-runner-bundle.ts <folder>`. */
const [, , directory = "dist/runner"] = process.argv;
await bundleRunner(directory);
