type Context = Readonly<Record<string, string | number>>;

/** One line of JSON on standard error: what operators read. What users read are the job's events. */
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
