import { type TestContext, vi } from "vitest";

/** What is written to standard error while the calling test runs, line by line, in the place of the terminal. */
export function capturedLog({ onTestFinished }: TestContext): string[] {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    lines.push(...String(chunk).split("\n").filter(Boolean));
    return true;
  });
  onTestFinished(() => write.mockRestore());
  return lines;
}
