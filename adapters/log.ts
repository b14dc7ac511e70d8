import { AsyncLocalStorage } from "node:async_hooks";

/** What a line is about, beside what it says. */
export type LogContext = Readonly<Record<string, string | number | boolean>>;

const surroundings = new AsyncLocalStorage<Record<string, string | number | boolean>>();
/** Of a process that works on one thing only. */
const ofProcess: Record<string, string | number | boolean> = {};

/**
 * What goes on from here, and all that it calls or leaves to be called, is about this and nothing else: each line of it
 * says so. What goes on beside it is not.
 */
export function enterLogContext(context: LogContext): void {
  surroundings.enterWith({ ...context });
}

/** Adds to the context that was entered, or, where none was, to all lines of the process. */
export function addLogContext(context: LogContext): void {
  Object.assign(surroundings.getStore() ?? ofProcess, context);
}

/** One line of JSON on standard error, which is what CloudWatch takes: for operators. What users read are the job's events. */
export function logError(message: string, error: unknown, context: LogContext): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  logLine({ level: "ERROR", message, ...context, ...awsRequestOf(error), cause });
}

/** The id of the call to AWS that failed, where it was one: the first that AWS's support asks for. */
export function awsRequestOf(error: unknown): { readonly awsRequestId?: string } {
  if (!(error instanceof Error)) return {};
  const metadata = "$metadata" in error ? error.$metadata : undefined;
  const isOfCall = typeof metadata === "object" && metadata !== null && "requestId" in metadata;
  return isOfCall && typeof metadata.requestId === "string"
    ? { awsRequestId: metadata.requestId }
    : awsRequestOf(error.cause);
}

export function logInfo(message: string, context: LogContext): void {
  logLine({ level: "INFO", message, ...context });
}

/** The line, with its time and with what surrounds it. */
export function logLine(line: object): void {
  const whole = { ts: new Date().toISOString(), ...ofProcess, ...surroundings.getStore(), ...line };
  process.stderr.write(`${JSON.stringify(whole)}\n`);
}
