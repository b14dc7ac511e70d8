import { defineConfig } from "vitest/config";
import { ClosingLineReporter } from "./test/closing-line-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", new ClosingLineReporter()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more files at once make the tests that start processes slower, not the run faster.
    maxWorkers: 2,
  },
});
