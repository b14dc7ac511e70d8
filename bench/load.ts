import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";

const autocannon = fileURLToPath(import.meta.resolve("autocannon"));

const Result = z.object({
  requests: z.object({ total: z.number() }),
  duration: z.number(),
  errors: z.literal(0),
  timeouts: z.literal(0),
  non2xx: z.literal(0),
});

/** What to ask for; the body is sent as JSON by POST. */
export interface Load {
  readonly url: string;
  readonly body?: string;
  readonly connections: number;
  /** How long to ask, or how many times. */
  readonly extent: { readonly seconds: number } | { readonly requests: number };
}

/** Requests answered per second, asked by a process of its own. Throws if one of them failed. */
export async function requestsPerSecond({ url, body, connections, extent }: Load): Promise<number> {
  const until = "seconds" in extent ? ["-d", `${extent.seconds}`] : ["-a", `${extent.requests}`];
  const post = body === undefined ? [] : ["-m", "POST", "-H", "Content-Type=application/json", "-b", body];
  const options = ["--json", "--no-progress", "-c", `${connections}`, ...until, ...post];
  const { stdout } = await promisify(execFile)(process.execPath, [autocannon, ...options, url]);
  const { requests, duration } = Result.parse(JSON.parse(stdout));
  return requests.total / duration;
}
