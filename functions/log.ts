/** One line of structured log, for what nobody answers for: CloudWatch takes a function's standard error. */
export function logError(message: string, error: unknown, context: Readonly<Record<string, string>>): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${JSON.stringify({ level: "ERROR", message, ...context, cause })}\n`);
}
