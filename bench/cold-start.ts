import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as z from "zod";
import type { Bundle } from "./function-bundles.ts";

/** Processor time of a new process that loads a function and calls it once, its own start not in it. */
const ColdStart = z.object({
  importMilliseconds: z.number(),
  /** The import and the first invocation. */
  answerMilliseconds: z.number(),
  /** The HTTP status of the answer; none of a function that answers no HTTP request. */
  status: z.number().optional(),
});
export type ColdStart = z.infer<typeof ColdStart>;

/** As in Lambda's runtime, the bundle is required, and `awslambda` is there before it. */
const script = `
const { PassThrough } = require("node:stream");
globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: { from: (stream, { statusCode }) => Object.assign(stream, { statusCode }) },
};
const [path, event, streams] = process.argv.slice(1);
const before = process.cpuUsage();
const milliseconds = () => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};
const { handler } = require(path);
const importMilliseconds = milliseconds();
const context = { awsRequestId: "bench" };
const stream = new PassThrough().resume();
Promise.resolve(streams ? handler(JSON.parse(event), stream, context) : handler(JSON.parse(event), context)).then((answer) => {
  const answerMilliseconds = milliseconds();
  const { statusCode: status } = streams ? stream : (answer ?? {});
  process.stdout.write(JSON.stringify({ importMilliseconds, answerMilliseconds, status }), () => process.exit());
});
`;

/** Starts the bundle in a process of its own, with this environment and nothing else. Throws where the call fails. */
export async function coldStart(
  { path }: Bundle,
  call: { readonly event: unknown; readonly streams: boolean },
  env: Readonly<Record<string, string>>,
): Promise<ColdStart> {
  const words = ["-e", script, path, JSON.stringify(call.event), call.streams ? "streams" : ""];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { env });
  // What went wrong behind an answer that is none the worse for it, such as the start of a job that was accepted.
  if (stderr.includes('"level":"ERROR"')) throw new Error(`${path} complained: ${stderr}`);
  return ColdStart.parse(JSON.parse(stdout));
}
