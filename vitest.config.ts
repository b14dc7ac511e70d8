import { defineConfig } from "vitest/config";
import { ClosingLineReporter } from "./test/closing-line-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", new ClosingLineReporter()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of three files on two cores one mostly waits for processes to end; more make the tests slower, not the run faster.
    maxWorkers: 3,
  },
});
