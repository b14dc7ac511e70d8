import { defineConfig } from "vitest/config";

/** `npm run local:test`: what runs against a deployment that `npm run local:deploy` has made, and not with `npm test`. */
export default defineConfig({
  test: {
    include: ["test/deployed/*.deployed.ts"],
    // The emulator's functions start when they are first called, one process each.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // One after the other: what the clock does is not to be what another file's jobs have caused.
    fileParallelism: false,
  },
});
