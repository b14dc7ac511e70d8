type Context = Readonly<Record<string, string | number | boolean>>;

/** One line of JSON on standard error, which is what CloudWatch takes: for operators. What users read are the job's events. */
export function logError(message: string, error: unknown, context: Context): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  write({ level: "ERROR", message, ...context, cause });
}

export function logInfo(message: string, context: Context): void {
  write({ level: "INFO", message, ...context });
}

function write(line: object): void {
  process.stderr.write(`${JSON.stringify({ ts: new Date().toISOString(), ...line })}\n`);
}
